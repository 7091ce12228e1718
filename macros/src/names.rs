//! The names under which entities and operations are found.

use proc_macro2::Ident;
use syn::ext::IdentExt;

/// The rule for names, as it stands in messages.
pub(crate) const RULE: &str = "a lower-case letter followed by up to 63 of a-z, 0-9 and _";

/// Whether `name` is a name: `[a-z][a-z0-9_]{0,63}`.
pub(crate) fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// A type's name in snake case: `HTTPServer2` is `http_server2`.
pub(crate) fn snake_case(ident: &Ident) -> String {
    let name: Vec<char> = ident.unraw().to_string().chars().collect();
    let mut snake = String::new();
    for (index, letter) in name.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| name[before]);
        let starts_word = letter.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_numeric()
                    || before.is_uppercase() && name.get(index + 1).is_some_and(|next| next.is_lowercase())
            });
        if starts_word {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;
    use proc_macro2::Span;

    #[test]
    fn types_are_named_in_snake_case() {
        for (name, snake) in [
            ("Account", "account"),
            ("ShoppingCart", "shopping_cart"),
            ("HTTPServer", "http_server"),
            ("ServerHTTP", "server_http"),
            ("Room2Go", "room2_go"),
            ("A", "a"),
            ("AB", "ab"),
            ("Already_Snake", "already_snake"),
            ("lower", "lower"),
        ] {
            assert_eq!(snake_case(&Ident::new(name, Span::call_site())), snake);
        }
        assert_eq!(snake_case(&Ident::new_raw("Loop", Span::call_site())), "loop");
    }

    #[test]
    fn names_are_what_the_runtime_takes() {
        for name in ["a", "a_1", "z9_", &"a".repeat(64)] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "A", "1a", "_a", "a-b", "ä", "a b", &"a".repeat(65)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
