//! Durations in attributes: a number and its unit, as text.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use std::time::Duration;
use syn::{Error, LitStr, Result, meta::ParseNestedMeta};

/// The units and their milliseconds. `ms` stands before `s`, which it ends with.
const UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 24 * 3_600_000)];

/// Reads the value of `key = "30s"`.
pub(crate) fn parse(meta: &ParseNestedMeta<'_>) -> Result<Duration> {
    let literal: LitStr = meta.value()?.parse()?;
    let text = literal.value();
    let refused = |message: String| Error::new(literal.span(), message);
    let Some(duration) = read(&text) else {
        return Err(refused(format!(
            "`{text}` is no duration: write a whole number and its unit, as in \
             \"500ms\", \"30s\", \"5m\", \"12h\" or \"30d\""
        )));
    };
    if duration.is_zero() {
        return Err(refused(format!(
            "`{text}` is no time at all: leave the setting out, or choose a longer time"
        )));
    }
    Ok(duration)
}

/// A duration as code.
pub(crate) fn write(duration: Duration) -> TokenStream {
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    quote_spanned!(Span::mixed_site()=> ::core::time::Duration::new(#seconds, #nanos))
}

/// Reads a duration, if it is one.
pub(crate) fn read(text: &str) -> Option<Duration> {
    let (number, millis) =
        UNITS.iter().find_map(|(unit, millis)| Some((text.strip_suffix(unit)?, *millis)))?;
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| digits)?;
    number.checked_mul(millis).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_whole_number_and_its_unit() {
        let read = |text| read(text).map(|duration| duration.as_millis());
        assert_eq!(read("500ms"), Some(500));
        assert_eq!(read("30s"), Some(30_000));
        assert_eq!(read("5m"), Some(300_000));
        assert_eq!(read("12h"), Some(43_200_000));
        assert_eq!(read("30d"), Some(2_592_000_000));
        for none in ["", "s", "30", "1.5h", "-1s", "+1s", "1 s", "1w", "1S", "30000000000000d"] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
