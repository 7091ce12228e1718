//! The marker of a data directory: a file of TOML with one line that counts.

/// The newest format that this build reads, and the one that it writes.
///
/// 1 had the tables alone; 2 has a journal in front of them.
pub(super) const FORMAT: u64 = 2;

/// What a marker of this build holds.
pub(super) fn text() -> String {
    format!("# This is a data directory of sarsen. It is not meant to be edited.\nformat = {FORMAT}\n")
}

/// The format that a marker names. What else a newer one says is not looked at.
///
/// # Errors
/// What is wrong with it, as the end of a sentence that its name begins.
pub(super) fn parse(marker: &[u8]) -> Result<u64, String> {
    let text = str::from_utf8(marker).map_err(|_| "is not text".to_owned())?;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let line = lines.next().ok_or("has no line with a format")?;
    let digits =
        line.strip_prefix("format = ").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let format: u64 = digits
        .and_then(|digits| digits.parse().ok())
        .filter(|format| *format > 0)
        .ok_or_else(|| format!("says `{}` instead of `format = {FORMAT}`", printable(line)))?;
    match lines.next() {
        Some(line) if format <= FORMAT => Err(format!("says `{}` behind its format", printable(line))),
        _ => Ok(format),
    }
}

/// The line with its control characters escaped.
fn printable(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for character in line.chars() {
        if character.is_control() {
            text.extend(character.escape_debug());
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(marker: &str, expect: Result<u64, &str>) {
        assert_eq!(parse(marker.as_bytes()), expect.map_err(str::to_owned), "{marker:?}");
    }

    #[test]
    fn both_formats_have_these_bytes() {
        let text = |format| {
            format!(
                "# This is a data directory of sarsen. It is not meant to be edited.\nformat = {format}\n"
            )
        };
        assert_eq!(super::text(), text(2));
        check(&text(1), Ok(1));
        check(&text(2), Ok(2));
    }

    #[test]
    fn only_a_newer_marker_may_say_more() {
        check("format = 3\nshards = [1, 2]\n", Ok(3));
        check("format = 1\nformat = 1\n", Err("says `format = 1` behind its format"));
    }

    #[test]
    fn anything_else_is_named() {
        check("", Err("has no line with a format"));
        check("# format = 1\n\n", Err("has no line with a format"));
        for line in [
            "format = 0",
            "format = -1",
            "format = +1",
            "format=1",
            "format = \"1\"",
            "format =",
            "form\u{e4}t",
        ] {
            check(line, Err(&format!("says `{line}` instead of `format = 2`")));
        }
        check("\0\t\0", Err(r"says `\0\t\0` instead of `format = 2`"));
        check(
            "format = 99999999999999999999",
            Err("says `format = 99999999999999999999` instead of `format = 2`"),
        );
        assert_eq!(parse(&[0xff]), Err("is not text".to_owned()));
    }
}
