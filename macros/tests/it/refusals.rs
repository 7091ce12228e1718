//! Every refusal of the macros, with its text and its place.

#[test]
fn refusals_name_the_remedy() {
    trybuild::TestCases::new().compile_fail("tests/fail/*.rs");
}
