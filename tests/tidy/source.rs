//! Rust source, taken apart just far enough: code, literals, comments, functions.
//!
//! The scanner knows strings, raw strings, characters as against lifetimes, and nested comments. It does not
//! parse: a brace is a brace, also inside a macro or `quote!`, where token trees are balanced too.

/// A source file with its parts told apart. Every part keeps its lines.
pub(crate) struct Source {
    /// The code alone: comments and literals are blank.
    pub(crate) code: String,
    /// Code and literals: comments are blank.
    pub(crate) uncommented: String,
    pub(crate) comments: Vec<Comment>,
}

/// One line comment, or one line of a block comment, with its marks.
pub(crate) struct Comment {
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// A function with a body: `lines` counts from `fn` to the closing brace.
#[derive(Debug, PartialEq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) lines: usize,
}

impl Source {
    pub(crate) fn new(text: &str) -> Self {
        let mut source = Self { code: String::new(), uncommented: String::new(), comments: Vec::new() };
        let mut rest = text;
        let mut line = 1;
        while !rest.is_empty() {
            let (kind, length) = token(rest);
            let (taken, left) = rest.split_at(length);
            source.push(kind, taken, line);
            line += newlines(taken);
            rest = left;
        }
        source
    }

    fn push(&mut self, kind: Kind, text: &str, line: usize) {
        let blank: String = text.chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        self.code.push_str(if kind == Kind::Code { text } else { &blank });
        self.uncommented.push_str(if kind == Kind::Comment { &blank } else { text });
        if kind == Kind::Comment {
            let lines = text.lines().enumerate();
            self.comments.extend(lines.map(|(n, text)| Comment { line: line + n, text: text.to_owned() }));
        }
    }

    /// Every function with a body, nested ones too.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let mut functions = Vec::new();
        for at in words(&self.code, "fn") {
            let after = self.code[at + 2..].trim_start();
            let name: String = after.chars().take_while(|&c| is_word(c) || c == '#' || c == '$').collect();
            // `fn(u8) -> u8` is a type, `r#fn` a name.
            if name.is_empty() || self.code[..at].ends_with('#') {
                continue;
            }
            if let Some(length) = body_end(&self.code[at..]) {
                let lines = newlines(&self.code[at..at + length]) + 1;
                functions.push(Function { name, line: line_of(&self.code, at), lines });
            }
        }
        functions
    }
}

/// Where `word` stands in `code`, not as a part of a longer word. A word may end in `!` or contain `::`.
pub(crate) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        let open = !word.starts_with(is_word) || !before.is_some_and(is_word);
        open && (!word.ends_with(is_word) || !after.is_some_and(is_word))
    })
}

/// The line, from 1, of the byte at `at`.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    newlines(&text[..at]) + 1
}

/// The length of the block that `text` opens with, braces included, or of all of `text` if it does not end.
pub(crate) fn block_length(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// The end of the body of the function that begins with `text`; a declaration and a pattern have none.
fn body_end(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.checked_sub(1)?,
            '{' if depth == 0 => return Some(at + block_length(&text[at..])),
            ';' | '}' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Code,
    Literal,
    Comment,
}

/// The kind and length of what `text` begins with: a comment, a literal, a whole word, or one character.
fn token(text: &str) -> (Kind, usize) {
    if text.starts_with("//") {
        return (Kind::Comment, text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return (Kind::Comment, block_comment_length(text));
    }
    if let Some(length) = literal_length(text) {
        return (Kind::Literal, length);
    }
    let word = text.find(|c| !is_word(c)).unwrap_or(text.len());
    let one = text.chars().next().map_or(0, char::len_utf8);
    (Kind::Code, word.max(one))
}

fn block_comment_length(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

fn literal_length(text: &str) -> Option<usize> {
    for prefix in ["br", "cr", "r"] {
        if let Some(rest) = text.strip_prefix(prefix) {
            let hashes = rest.len() - rest.trim_start_matches('#').len();
            if let Some(body) = rest[hashes..].strip_prefix('"') {
                let close = format!("\"{}", "#".repeat(hashes));
                let end = body.find(&close).map_or(body.len(), |at| at + close.len());
                return Some(prefix.len() + hashes + 1 + end);
            }
        }
    }
    let start = text.strip_prefix(['b', 'c']).unwrap_or(text);
    let prefix = text.len() - start.len();
    match start.chars().next()? {
        '"' => Some(prefix + 1 + escaped_length(&start[1..], '"')),
        '\'' => character_length(&start[1..]).map(|length| prefix + 1 + length),
        _ => None,
    }
}

/// The length up to and with the first `close` that no backslash escapes.
fn escaped_length(text: &str, close: char) -> usize {
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        if character == close {
            return at + 1;
        }
        if character == '\\' {
            characters.next();
        }
    }
    text.len()
}

/// The length of what follows the quote of a character; a lifetime has none.
fn character_length(text: &str) -> Option<usize> {
    if text.starts_with('\\') {
        return Some(escaped_length(text, '\''));
    }
    let mut characters = text.chars();
    let length = characters.next()?.len_utf8();
    (characters.next() == Some('\'')).then_some(length + 1)
}

fn newlines(text: &str) -> usize {
    text.matches('\n').count()
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::{Function, Source, words};

    #[track_caller]
    fn check_code(text: &str, code: &str) {
        let source = Source::new(text);
        assert_eq!(source.code.split_whitespace().collect::<Vec<_>>().join(" "), code);
        assert_eq!(source.code.matches('\n').count(), text.matches('\n').count(), "a line was lost");
    }

    #[test]
    fn literals_and_comments_are_not_code() {
        check_code(r#"a("}\"{", b"{", c"{") // {"#, "a( , , )");
        check_code(r##"a(r"\", r#"" }"#, br"{") b"##, "a( , , ) b");
        check_code("a /* { /* } */ { */ b", "a b");
        check_code("a('{', '\\'', b'}', '\\u{7b}') b", "a( , , , ) b");
        check_code("a(\"one\n{ two\")\nb", "a( ) b");
    }

    #[test]
    fn lifetimes_and_raw_names_are_code() {
        check_code("fn a<'a, 'b>(x: &'a str) {}", "fn a<'a, 'b>(x: &'a str) {}");
        check_code("let r#fn = bar; 'out: loop {}", "let r#fn = bar; 'out: loop {}");
    }

    #[test]
    fn comments_keep_their_lines_and_leave_the_literals() {
        let source = Source::new("a\n// one\n\"//\" /* two\nthree */ b");
        let comments: Vec<_> = source.comments.iter().map(|c| (c.line, c.text.as_str())).collect();
        assert_eq!(comments, [(2, "// one"), (3, "/* two"), (4, "three */")]);
        assert!(source.uncommented.contains("\"//\"") && !source.uncommented.contains("one"));
    }

    #[track_caller]
    fn check_functions(text: &str, expect: &[(&str, usize, usize)]) {
        let expect: Vec<_> = expect
            .iter()
            .map(|&(name, line, lines)| Function { name: name.to_owned(), line, lines })
            .collect();
        assert_eq!(Source::new(text).functions(), expect);
    }

    #[test]
    fn a_function_is_measured_to_its_closing_brace() {
        check_functions("\nfn a() {\n\n  // }\n  \"}\";\n}\n", &[("a", 2, 5)]);
        check_functions("async fn a()\nwhere\n  X: Y,\n{\n  { '}' }\n}", &[("a", 1, 6)]);
        check_functions("fn a(x: [u8; 4]) -> [u8; 2] {\n}", &[("a", 1, 2)]);
        check_functions("fn a() {\n  fn b() {\n  }\n}", &[("a", 1, 4), ("b", 2, 2)]);
        check_functions("quote! { fn #name(&self) {\n x } }", &[("#name", 1, 2)]);
        check_functions("($name:ident) => { fn $name() {\n\n} }", &[("$name", 1, 3)]);
    }

    #[test]
    fn a_function_without_a_body_is_not_measured() {
        check_functions("trait T { fn a(&self, x: [u8; 4]); }", &[]);
        check_functions("type F = fn(u8) -> u8; let r#fn = {};", &[]);
        check_functions("(fn $name:ident ()) => { {} }", &[]);
    }

    #[test]
    fn a_word_is_not_found_inside_another() {
        assert_eq!(words("eprintln!() println!()", "println!").collect::<Vec<_>>(), [12]);
        assert_eq!(words("Errors MyError Error", "Error").collect::<Vec<_>>(), [15]);
    }
}
