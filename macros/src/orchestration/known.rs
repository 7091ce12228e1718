//! Calls that are known to differ from run to run, found by their names, also in the tokens inside macro calls.
//!
//! What it cannot see: what is hidden behind a function of another name, an import under another name or a method
//! (`elapsed`), and the order in which a hash map is walked. What awaits something foreign is found when it runs.

use crate::refusals::Refusals;
use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::Error;

/// A name, or several, and what to write instead.
struct Known {
    form: Form,
    /// Each a path as it is written.
    paths: &'static [&'static str],
    /// What is wrong with it.
    because: &'static str,
    /// What to write.
    instead: &'static str,
}

/// What of a path is compared.
enum Form {
    /// All of it begins so.
    Begins,
    /// It ends so, wherever it begins.
    Ends,
    /// The name of a macro, wherever it is from.
    Macro,
}

use Form::{Begins, Ends, Macro};

const KNOWN: &[Known] = &[
    Known {
        form: Ends,
        paths: &[
            "Instant::now",
            "SystemTime::now",
            "Utc::now",
            "Local::now",
            "OffsetDateTime::now_utc",
            "OffsetDateTime::now_local",
            "Timestamp::now",
            "Zoned::now",
        ],
        because: "reads the clock, which is another one in each replay",
        instead: "use `cx.now()`",
    },
    Known {
        form: Ends,
        paths: &[
            "Uuid::new_v1",
            "Uuid::now_v1",
            "Uuid::new_v4",
            "Uuid::new_v6",
            "Uuid::now_v6",
            "Uuid::new_v7",
            "Uuid::now_v7",
            "Ulid::new",
        ],
        because: "makes another id in each replay",
        instead: "use `cx.uuid()`",
    },
    Known {
        form: Begins,
        paths: &[
            "rand",
            "fastrand",
            "getrandom",
            "thread_rng",
            "OsRng",
            "StdRng::from_entropy",
            "StdRng::from_os_rng",
            "SmallRng::from_entropy",
            "SmallRng::from_os_rng",
        ],
        because: "draws other numbers in each replay",
        instead: "use `cx.random()`",
    },
    Known {
        form: Begins,
        paths: &[
            "std::thread::sleep",
            "thread::sleep",
            "tokio::time",
            "async_std::task::sleep",
            "async_io::Timer",
            "futures_timer",
            "time::sleep",
        ],
        because: "waits for a clock that no history has",
        instead: "use `cx.timer(..)`, and `select` for a time limit",
    },
    Known {
        form: Ends,
        paths: &["RandomState::new"],
        because: "hashes otherwise in each replay",
        instead: "use a `BTreeMap`",
    },
    Known {
        form: Begins,
        paths: &["tokio::runtime", "futures::executor", "pollster", "block_on"],
        because: "stops the thread, on which others wait too",
        instead: "write `.await`",
    },
    Known {
        form: Begins,
        paths: &[
            "std::thread",
            "thread::spawn",
            "thread::scope",
            "tokio::spawn",
            "tokio::task",
            "task::spawn",
            "task::spawn_local",
            "task::spawn_blocking",
            "async_std::task",
        ],
        because: "runs beside the history",
        instead: "use `cx.branch(..)`, or an activity for what takes long",
    },
    Known {
        form: Begins,
        paths: &["std::env", "env::var", "env::var_os", "env::vars", "env::args", "env::current_dir"],
        because: "reads what may be another one in a replay",
        instead: "read it in an activity, or take it as an input",
    },
    Known {
        form: Begins,
        paths: &[
            "std::fs",
            "fs",
            "tokio::fs",
            "std::net",
            "tokio::net",
            "std::process",
            "tokio::process",
            "tokio::io",
            "std::io::stdin",
            "io::stdin",
            "reqwest",
            "File::open",
            "File::create",
            "TcpStream::connect",
        ],
        because: "touches the world again in each replay",
        instead: "do it in an activity",
    },
    Known {
        form: Macro,
        paths: &["select", "select_biased"],
        because: "chooses its winner by chance",
        instead: "use `sarsen::select(..)`, whose winner is the earliest in history",
    },
    Known {
        form: Macro,
        paths: &["join", "try_join"],
        because: "polls in an order of its own",
        instead: "use `sarsen::join((..))`",
    },
    Known {
        form: Begins,
        paths: &[
            "futures",
            "futures_util",
            "futures_lite",
            "futures_concurrency",
            "tokio_stream",
            "async_std",
            "smol",
            "FuturesUnordered",
            "FuturesOrdered",
        ],
        because: "wakes and orders futures without the history",
        instead: "use `join`, `join_all`, `select`, `select_all` and `Completions` of sarsen",
    },
];

/// A path as it is written: `a::b::c`, with what stands right behind it.
struct Path {
    segments: Vec<Ident>,
    is_macro: bool,
}

impl Known {
    fn is(&self, path: &Path) -> bool {
        let written: Vec<String> = path.segments.iter().map(ToString::to_string).collect();
        let written: Vec<&str> = written.iter().map(String::as_str).collect();
        self.paths.iter().any(|known| {
            let known: Vec<&str> = known.split("::").collect();
            match self.form {
                Begins => written.len() > 1 && written.starts_with(&known) || written == known,
                Ends => written.ends_with(&known),
                Macro => path.is_macro && written.last() == known.last(),
            }
        })
    }
}

/// Refuses every known call in `body`, however deep.
pub(super) fn refuse(body: TokenStream, refusals: &mut Refusals) {
    for path in paths(body) {
        if let Some(known) = KNOWN.iter().find(|known| known.is(&path)) {
            refusals.add(refusal(known, &path));
        }
    }
}

fn refusal(known: &Known, path: &Path) -> Error {
    let written: Vec<String> = path.segments.iter().map(ToString::to_string).collect();
    let mark = if path.is_macro { "!" } else { "" };
    let Known { because, instead, .. } = known;
    let message = format!("`{}{mark}` {because}: {instead}", written.join("::"));
    // From its first to its last word; the compiler underlines all of it where it can.
    let [first, .., last] = &path.segments[..] else {
        return Error::new(path.segments[0].span(), message);
    };
    let ends: TokenStream = [first, last].map(|ident| TokenTree::Ident(ident.clone())).into_iter().collect();
    Error::new_spanned(ends, message)
}

/// The paths in `tokens` and in the groups inside, each from its first word. What follows a dot is a field or a
/// method, and no path.
fn paths(tokens: TokenStream) -> Vec<Path> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            TokenTree::Group(group) => found.extend(paths(group.stream())),
            TokenTree::Ident(ident) if !is_punct(&tokens, at.wrapping_sub(1), '.') => {
                let mut segments = vec![ident.clone()];
                while let (true, true, Some(TokenTree::Ident(next))) =
                    (is_punct(&tokens, at + 1, ':'), is_punct(&tokens, at + 2, ':'), tokens.get(at + 3))
                {
                    segments.push(next.clone());
                    at += 3;
                }
                let is_macro = is_punct(&tokens, at + 1, '!') && !is_punct(&tokens, at + 2, '=');
                found.push(Path { segments, is_macro });
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
        at += 1;
    }
    found
}

fn is_punct(tokens: &[TokenTree], at: usize, wanted: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, refused: &[&str]) {
        let found = paths(body.parse().unwrap());
        let refused_paths = found.iter().filter(|path| KNOWN.iter().any(|known| known.is(path)));
        let names: Vec<String> = refused_paths
            .map(|path| path.segments.iter().map(ToString::to_string).collect::<Vec<_>>().join("::"))
            .collect();
        assert_eq!(names, refused, "in {body}");
    }

    #[test]
    fn every_known_path_is_found_alone_and_inside_macros() {
        for known in KNOWN {
            for path in known.paths {
                let call =
                    if matches!(known.form, Macro) { format!("{path}!(a)") } else { format!("{path}(a)") };
                check(&call, &[path]);
                check(&format!("{{ let x = vec![format!(\"{{}}\", {call})]; }}"), &[path]);
            }
        }
    }

    #[test]
    fn paths_are_compared_from_their_beginning_or_to_their_end() {
        check("::std::time::Instant::now()", &["std::time::Instant::now"]);
        check("chrono::Utc::now()", &["chrono::Utc::now"]);
        check("tokio::time::timeout(a, b)", &["tokio::time::timeout"]);
        check("rand::random::<u8>()", &["rand::random"]);
        check("tokio::select! { }", &["tokio::select"]);
        check("futures::future::join_all(x)", &["futures::future::join_all"]);
    }

    #[test]
    fn what_only_looks_like_it_is_let_be() {
        check("cx.now(); x.select(a); join((a, b)); select(a, b)", &[]);
        check("let rand_like = 1; my::rand::x(); crate::fs::y(); a.fs(); if join != b {}", &[]);
        check("std::time::Duration::from_secs(1); Uuid::nil(); env!(\"X\"); \"Instant::now\"", &[]);
    }
}
