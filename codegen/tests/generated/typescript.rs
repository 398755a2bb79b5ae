//! The TypeScript: all of it in one picture, and what of it has to be so.

use syncline_codegen::typescript::{ClientText, api_types, client_texts, closed, framework};

#[test]
fn api_types_of_the_registry() {
    insta::assert_snapshot!(api_types(&crate::registry()));
}

#[test]
fn framework_types() {
    let languages = ["en".to_owned(), "pt-BR".to_owned()];
    insta::assert_snapshot!(framework(&languages, said));
}

#[test]
fn closed_texts() {
    insta::assert_snapshot!(closed(&["en".to_owned(), "pt-BR".to_owned()], said));
}

fn said(language: &str, ClientText { code, param }: ClientText) -> String {
    format!("{language} \"{code}\" {}", param.map_or("-", |(_, value)| value))
}

#[test]
fn every_code_of_the_framework_is_in_its_types() {
    let types = framework(&[], |_, _| String::new());
    for code in syncline::codes::ALL {
        assert!(types.contains(&format!("  \"{}\": {{", code.code())), "{} in\n{types}", code.code());
    }
    for text in client_texts() {
        assert!(types.contains(&format!("  \"{}\": {{", text.code)), "{} in\n{types}", text.code);
    }
}

#[test]
fn lines_have_no_white_space_at_their_ends_and_the_last_one_ends() {
    let types = api_types(&crate::registry());
    assert!(types.ends_with("}\n") && !types.ends_with("\n\n"));
    for line in types.lines() {
        assert_eq!(line, line.trim_end());
    }
}
