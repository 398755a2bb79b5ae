//! Lays types and comments out for people: two spaces, a line's width, one member a line where they do not fit.
//!
//! It changes nothing but white space, separators, quotes that a key does not need and the form of comments.

use super::tree::{Group, Node, comment_lines, read};

/// How long a line may become.
const WIDTH: usize = 100;

/// Where it would stand: so many spaces from the left.
pub(super) fn indentation(depth: usize) -> String {
    "  ".repeat(depth)
}

/// A comment on lines of its own, from its lines of text; nothing for no lines.
pub(super) fn comment(lines: &[String], depth: usize) -> String {
    let indent = indentation(depth);
    let lines: Vec<String> = lines.iter().map(|line| line.replace("*/", "*\\/")).collect();
    match lines.as_slice() {
        [] => String::new(),
        [line] if indent.len() + line.chars().count() + 7 <= WIDTH => format!("{indent}/** {line} */\n"),
        lines => {
            let body: String =
                lines.iter().map(|line| format!("{indent} * {line}").trim_end().to_owned() + "\n").collect();
            format!("{indent}/**\n{body}{indent} */\n")
        }
    }
}

/// `declaration` (as ts-rs writes it, `type Name = ..;`) with its comment, exported; an object as an interface where
/// asked for.
pub(super) fn declaration(declaration: &str, docs: Option<&str>, as_interface: bool, depth: usize) -> String {
    let docs = comment(&docs.map(comment_lines).unwrap_or_default(), depth);
    let nodes = read(declaration);
    let indent = indentation(depth);
    let Some(equals) = nodes.iter().position(|node| is_word(node, "=")) else {
        return format!("{docs}{indent}export {};\n", sequence(&nodes, depth, indent.len() + 8));
    };
    let (head, body) = (flat(&nodes[..equals]).unwrap_or_default(), &nodes[equals + 1..]);
    if let ([Node::Group(object)], true) = (body, object_body(body)) {
        return if as_interface {
            let name = head.strip_prefix("type ").unwrap_or(&head);
            format!("{docs}{indent}export interface {name} {}\n", broken(object, depth))
        } else {
            format!("{docs}{indent}export {head} = {};\n", broken(object, depth))
        };
    }
    let column = indent.len() + "export  = ;".len() + head.chars().count();
    format!("{docs}{indent}export {head} ={};\n", spaced(sequence(body, depth, column)))
}

/// `key: type;` on lines of its own.
pub(super) fn member(key: &str, of_type: &str, depth: usize) -> String {
    let mut nodes = vec![Node::Word(key.to_owned()), Node::Word(":".to_owned())];
    nodes.extend(read(of_type));
    member_of(&nodes, depth)
}

/// A name of a property as TypeScript wants it: in quotes where it has to be.
pub(super) fn key(name: &str) -> String {
    let mut letters = name.chars();
    let begins = letters.next().is_some_and(|first| first.is_alphabetic() || first == '_' || first == '$');
    if begins && letters.all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '$') {
        name.to_owned()
    } else {
        serde_json::Value::from(name).to_string()
    }
}

/// A type in one line, whose names `rename` may change; properties are left alone.
pub(super) fn renamed(of_type: &str, rename: &dyn Fn(&str) -> Option<String>) -> String {
    let mut nodes = read(of_type);
    rename_all(&mut nodes, rename);
    sequence(&nodes, 0, 0)
}

fn rename_all(nodes: &mut [Node], rename: &dyn Fn(&str) -> Option<String>) {
    for index in 0..nodes.len() {
        let is_property = nodes.get(index + 1).is_some_and(|next| is_word(next, ":") || is_word(next, "?"));
        match &mut nodes[index] {
            Node::Word(word) if !is_property => {
                if let Some(name) = rename(word) {
                    *word = name;
                }
            }
            Node::Group(group) => group.items.iter_mut().for_each(|item| rename_all(item, rename)),
            Node::Word(_) | Node::Doc(_) => {}
        }
    }
}

fn is_word(node: &Node, text: &str) -> bool {
    matches!(node, Node::Word(word) if word == text)
}

/// Whether it is one object and has members to put on lines of their own.
fn object_body(nodes: &[Node]) -> bool {
    matches!(nodes, [Node::Group(group)] if group.open == '{' && !group.items.is_empty() && !is_mapped(group))
}

/// `{ [key in K]: V }`, which reads best in one line.
fn is_mapped(group: &Group) -> bool {
    let [item] = group.items.as_slice() else { return false };
    matches!(item.first(), Some(Node::Group(key)) if key.open == '[')
}

fn spaced(text: String) -> String {
    if text.starts_with('\n') { text } else { format!(" {text}") }
}

/// Nodes that follow each other, from this column on; over several lines if it has to be.
fn sequence(nodes: &[Node], depth: usize, column: usize) -> String {
    if let Some(line) = flat(nodes).filter(|line| column + line.chars().count() <= WIDTH) {
        return line;
    }
    let alternatives: Vec<&[Node]> =
        nodes.split(|node| is_word(node, "|")).filter(|alternative| !alternative.is_empty()).collect();
    if alternatives.len() > 1 {
        let inner = indentation(depth + 1);
        let lines = alternatives
            .iter()
            .map(|alternative| format!("\n{inner}| {}", sequence(alternative, depth + 1, inner.len() + 2)));
        return lines.collect();
    }
    let mut text = String::new();
    for (index, node) in nodes.iter().enumerate() {
        if index > 0 && has_space(&nodes[index - 1], node) {
            text.push(' ');
        }
        match node {
            Node::Group(group) => text.push_str(&broken(group, depth)),
            other => text.push_str(&plain(other)),
        }
    }
    text
}

/// A bracket with its items on lines of their own; a single one that is no member stays with its brackets.
fn broken(group: &Group, depth: usize) -> String {
    let (open, close) = (group.open, group.close());
    let (inner, outer) = (indentation(depth + 1), indentation(depth));
    match group.items.as_slice() {
        [] => format!("{open}{close}"),
        items if open == '{' => {
            let members: String = items.iter().map(|item| member_of(item, depth + 1)).collect();
            format!("{open}\n{members}{outer}{close}")
        }
        [item] => match sequence(item, depth, 0) {
            lines if lines.starts_with('\n') => {
                format!(
                    "{open}\n{inner}{}\n{outer}{close}",
                    sequence(item, depth + 1, inner.len()).trim_start()
                )
            }
            line => format!("{open}{line}{close}"),
        },
        items => {
            let lines: Vec<String> = items
                .iter()
                .map(|item| format!("{inner}{}", sequence(item, depth + 1, inner.len()).trim_start()))
                .collect();
            format!("{open}\n{}\n{outer}{close}", lines.join(",\n"))
        }
    }
}

/// A member of an object with its comment, on lines of its own.
fn member_of(nodes: &[Node], depth: usize) -> String {
    let indent = indentation(depth);
    let commented = nodes.iter().take_while(|node| matches!(node, Node::Doc(_))).count();
    let (docs, nodes) = nodes.split_at(commented);
    let docs: String = docs
        .iter()
        .map(|node| if let Node::Doc(lines) = node { comment(lines, depth) } else { String::new() })
        .collect();
    let Some(colon) = nodes.iter().position(|node| is_word(node, ":")) else {
        return format!("{docs}{indent}{};\n", sequence(nodes, depth, indent.len() + 1));
    };
    let head = flat(&nodes[..=colon]).unwrap_or_default();
    let value = sequence(&nodes[colon + 1..], depth, indent.len() + head.chars().count() + 2);
    format!("{docs}{indent}{head}{};\n", spaced(value))
}

/// In one line, unless there is a comment in it.
fn flat(nodes: &[Node]) -> Option<String> {
    let mut text = String::new();
    for (index, node) in nodes.iter().enumerate() {
        if index > 0 && has_space(&nodes[index - 1], node) {
            text.push(' ');
        }
        match node {
            Node::Doc(_) => return None,
            Node::Word(word) => text.push_str(&without_quotes(word, nodes.get(index + 1))),
            Node::Group(group) => {
                let items: Option<Vec<String>> = group.items.iter().map(|item| flat(item)).collect();
                let (open, close, items) = (group.open, group.close(), items?);
                match open {
                    '{' if items.is_empty() => text.push_str("{}"),
                    '{' => text.push_str(&format!("{{ {} }}", items.join("; "))),
                    _ => text.push_str(&format!("{open}{}{close}", items.join(", "))),
                }
            }
        }
    }
    Some(text)
}

fn plain(node: &Node) -> String {
    flat(std::slice::from_ref(node)).unwrap_or_default()
}

/// A property that needs no quotes has none.
fn without_quotes(word: &str, next: Option<&Node>) -> String {
    let is_property = next.is_some_and(|next| is_word(next, ":") || is_word(next, "?"));
    match word.strip_prefix('"').and_then(|word| word.strip_suffix('"')) {
        Some(name) if is_property && key(name) == name => name.to_owned(),
        _ => word.to_owned(),
    }
}

fn has_space(before: &Node, after: &Node) -> bool {
    const OPERATORS: [&str; 14] =
        ["|", "&", ":", "=", "=>", "in", "keyof", "readonly", "extends", "typeof", "infer", "?", "is", "as"];
    match (before, after) {
        (_, Node::Word(word)) if matches!(word.as_str(), ":" | "?" | ".") => false,
        (Node::Word(word), _) if matches!(word.as_str(), "." | "-") => false,
        (Node::Word(word), Node::Group(_)) => OPERATORS.contains(&word.as_str()),
        (_, Node::Group(group)) => group.open == '{',
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::{declaration, key, member, renamed};

    #[test]
    fn one_line_where_it_fits() {
        assert_eq!(
            declaration("type A = \"a\" | \"b\";", None, false, 0),
            "export type A = \"a\" | \"b\";\n"
        );
        assert_eq!(
            member("a", "Array<{ \"x\": [string, number], \"y-z\"?: null, }>", 1),
            "  a: Array<{ x: [string, number]; \"y-z\"?: null }>;\n"
        );
        assert_eq!(
            member("b", "{ [key in string]?: Foo.Bar[] }", 0),
            "b: { [key in string]?: Foo.Bar[] };\n"
        );
    }

    #[test]
    fn members_and_alternatives_get_lines_of_their_own() {
        let long = "a".repeat(60);
        assert_eq!(
            declaration(
                &format!("type A<T> = {{ \"{long}\": T }} | {{ b: \"{long}\" }};"),
                Some("/** x */"),
                false,
                1
            ),
            format!("  /** x */\n  export type A<T> =\n    | {{ {long}: T }}\n    | {{ b: \"{long}\" }};\n")
        );
        assert_eq!(
            declaration(
                "type A = { \n/**\n * Doc.\n */\na: Array<{ \n/**\n * In.\n */\nb: 1, }>, };",
                None,
                true,
                0
            ),
            "export interface A {\n  /** Doc. */\n  a: Array<{\n    /** In. */\n    b: 1;\n  }>;\n}\n"
        );
    }

    #[test]
    fn a_comment_cannot_be_ended_by_its_text() {
        let text = declaration("type A = { \n/**\n * all of a/*/b\n */\na: 1, };", None, false, 0);
        assert!(text.contains("/** all of a/*\\/b */"), "{text}");
    }

    #[test]
    fn names_are_changed_and_properties_are_not() {
        let rename = |name: &str| (name == "Item").then(|| "N.Item".to_owned());
        assert_eq!(
            renamed("Array<Item> | { Item: Item, b: [Item] }", &rename),
            "Array<N.Item> | { Item: N.Item; b: [N.Item] }"
        );
    }

    #[test]
    fn keys_have_quotes_where_they_need_them() {
        assert_eq!(
            (key("a1").as_str(), key("a/b").as_str(), key("1a").as_str()),
            ("a1", "\"a/b\"", "\"1a\"")
        );
    }
}
