//! Each row of docs/FAULTS.md has its test, with its promise.

use std::fs;

#[test]
fn each_fault_of_the_page_is_injected_by_its_test() {
    let page = fs::read_to_string("docs/FAULTS.md").unwrap();
    let mut rows = 0;
    for line in page.lines().filter(|line| line.starts_with("| ") && line.ends_with("` |")) {
        let cells: Vec<&str> = line.trim_matches(['|', ' ']).split(" | ").collect();
        let [fault, promise, _, test] = cells.as_slice() else { panic!("not four cells: {line}") };
        let (file, name) = test.trim_matches('`').split_once("::").unwrap();
        let source = fs::read_to_string(format!("tests/faults/{file}.rs")).unwrap();
        for part in [&format!("async fn {name}("), &format!("\"{fault}\""), &format!("\"{promise}\"")] {
            assert!(source.contains(part.as_str()), "tests/faults/{file}.rs lacks {part}");
        }
        rows += 1;
    }
    assert!(rows >= 35, "{rows}");
}
