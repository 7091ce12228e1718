//! What the compiler and clippy do not check about this tree, checked by reading it.
//!
//! Each module of `tidy/` holds one concern: the rules as constants, the checks as functions from text to
//! complaints, a test that reads the tree, and tests that show each check failing on a bad sample. A complaint
//! names the place and the remedy. An exception stands in a list beside its rule, with its reason, and must still
//! be needed.
//!
//! It reads source with a scanner that knows literals and comments and nothing else; what needs types is clippy's.

#[path = "tidy/claims.rs"]
mod claims;
#[path = "tidy/docs.rs"]
mod docs;
#[path = "tidy/errors.rs"]
mod errors;
#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/lints.rs"]
mod lints;
#[path = "tidy/metadata.rs"]
mod metadata;
#[path = "tidy/size.rs"]
mod size;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/tree.rs"]
mod tree;
#[path = "tidy/words.rs"]
mod words;

/// Fails with every complaint at once, so that one run shows all there is to mend.
#[track_caller]
fn assert_tidy(complaints: &[String]) {
    assert!(complaints.is_empty(), "not tidy:\n  {}\n", complaints.join("\n  "));
}

/// Fails unless exactly one complaint is made, and it contains `part`.
#[track_caller]
fn assert_complains(complaints: &[String], part: &str) {
    assert_eq!(complaints.len(), 1, "one complaint expected: {complaints:?}");
    assert!(complaints[0].contains(part), "`{part}` is not in: {}", complaints[0]);
}
