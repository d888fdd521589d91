//! Whole replies of each format, and bounds that hold for any rows.

use serde_json::{Value, json};

use super::{CUT_MARK, Encoded, Encoder};
use crate::db::{Flow, RowSink};
use crate::gateway::Format;
use crate::sql::{Encoding, Extent, ProjectedColumn};

fn column(name: &str, type_name: &str, encoding: Encoding) -> ProjectedColumn {
    ProjectedColumn { name: name.to_owned(), type_name: type_name.to_owned(), encoding, extent: Extent::Cut }
}

fn text_columns(count: usize) -> Vec<ProjectedColumn> {
    (0..count).map(|at| column(&format!("c{at}"), "text", Encoding::Text)).collect()
}

fn encode(format: Format, budget: usize, columns: &[ProjectedColumn], rows: &[Vec<Option<&str>>]) -> Encoded {
    let mut encoder = Encoder::new(format, budget, 50);
    encoder.begin(columns);
    for row in rows {
        if encoder.row(row) == Flow::Stop {
            break;
        }
    }
    encoder.finish().unwrap()
}

fn one_value(type_name: &str, encoding: Encoding, text: &str) -> Value {
    let encoded = encode(Format::Json, 40_000, &[column("v", type_name, encoding)], &[vec![Some(text)]]);
    serde_json::from_str::<Value>(encoded.rows.get()).unwrap()[0][0].clone()
}

fn chars(encoded: &Encoded) -> usize {
    let columns = serde_json::to_string(&encoded.columns).unwrap();
    let text = encoded.text.as_deref().map_or(0, |text| text.chars().count());
    encoded.rows.get().chars().count() + text + columns.chars().count()
}

#[test]
fn json_rows_are_arrays_with_exact_numbers() {
    let columns = [
        column("id", "bigint", Encoding::Number),
        column("price", "numeric", Encoding::Number),
        column("ok", "boolean", Encoding::Boolean),
        column("doc", "jsonb", Encoding::Json),
        column("note", "text", Encoding::Text),
    ];
    let rows = [
        vec![Some("1"), Some("12.50"), Some("true"), Some("{\"a\": [1, null]}"), Some("say \"hi\"\n")],
        vec![Some("9223372036854775807"), Some("NaN"), Some("false"), None, None],
    ];
    let encoded = encode(Format::Json, 40_000, &columns, &rows);
    assert_eq!(
        encoded.rows.get(),
        "[[1,12.50,true,{\"a\":[1,null]},\"say \\\"hi\\\"\\n\"],[\"9223372036854775807\",\"NaN\",false,null,null]]"
    );
    assert_eq!((encoded.row_count, encoded.cut_fields, encoded.text), (2, 0, None));
}

#[test]
fn a_number_that_would_lose_digits_becomes_a_string() {
    let number = |type_name: &str, text: &str| one_value(type_name, Encoding::Number, text);
    assert_eq!(number("bigint", "9007199254740992"), json!(9_007_199_254_740_992_u64));
    assert_eq!(number("bigint", "9007199254740993"), json!("9007199254740993"));
    assert_eq!(number("numeric", "0.1234567890123456789"), json!("0.1234567890123456789"));
    assert_eq!(number("numeric", "Infinity"), json!("Infinity"));
    assert_eq!(number("double precision", "0.30000000000000004"), json!(0.300_000_000_000_000_04));
    assert_eq!(number("double precision", "-Infinity"), json!("-Infinity"));
    assert_eq!(number("real", "1e+20"), json!(1e20));
}

#[test]
fn a_cut_number_or_document_becomes_a_marked_string() {
    let long = "1".repeat(51);
    assert_eq!(one_value("numeric", Encoding::Number, &long), json!(format!("{}{CUT_MARK}", "1".repeat(50))));
    let document = format!("[{}]", "1,".repeat(30));
    let kept: String = document.chars().take(50).collect();
    assert_eq!(one_value("json", Encoding::Json, &document), json!(format!("{kept}{CUT_MARK}")));
}

#[test]
fn csv_tells_null_from_the_empty_string() {
    let encoded = encode(
        Format::Csv,
        40_000,
        &[column("a,b", "text", Encoding::Text), column("n", "integer", Encoding::Number)],
        &[
            vec![Some("x"), Some("1")],
            vec![Some(""), None],
            vec![None, Some("2")],
            vec![Some("q\"\r\n"), Some("3")],
        ],
    );
    assert_eq!(encoded.text.unwrap(), "\"a,b\",n\r\nx,1\r\n\"\",\r\n,2\r\n\"q\"\"\r\n\",3\r\n");
    assert_eq!(encoded.rows.get(), "[]");
    assert_eq!(encoded.row_count, 4);
}

#[test]
fn markdown_keeps_one_line_a_row() {
    let encoded = encode(
        Format::Markdown,
        40_000,
        &[column("a|b", "text", Encoding::Text), column("n", "integer", Encoding::Number)],
        &[
            vec![Some("x|y\nz\\"), Some("1")],
            vec![None, None],
            vec![Some("NULL"), Some("2")],
            vec![Some(""), None],
        ],
    );
    assert_eq!(
        encoded.text.unwrap(),
        "| a\\|b | n |\n| --- | ---: |\n| x\\|y\\nz\\\\ | 1 |\n| NULL | NULL |\n| \"NULL\" | 2 |\n|  | NULL |\n"
    );
}

#[test]
fn a_row_that_does_not_fit_stops_the_query_and_leaves_no_trace() {
    let field = "x".repeat(50);
    let rows: Vec<Vec<Option<&str>>> = (0..100).map(|_| vec![Some(field.as_str())]).collect();
    for format in [Format::Json, Format::Csv, Format::Markdown] {
        let encoded = encode(format, 3_000, &text_columns(1), &rows);
        assert!(encoded.row_count > 20 && encoded.row_count < 100, "{}", encoded.row_count);
        assert!(chars(&encoded) <= 3_000 && !encoded.too_wide);
        let lines = encoded.text.as_ref().map(|text| text.matches(&field).count() as u64);
        assert!(lines.is_none_or(|lines| lines == encoded.row_count));
    }
}

#[test]
fn a_first_row_larger_than_the_reply_is_cut_harder() {
    let field = "\u{1}".repeat(51);
    let row: Vec<Option<&str>> = (0..20).map(|_| Some(field.as_str())).collect();
    let encoded = encode(Format::Json, 5_000, &text_columns(20), &[row.clone(), row]);
    assert_eq!((encoded.row_count, encoded.cut_fields, encoded.field_chars), (1, 20, 25));
    assert!(chars(&encoded) <= 5_000);
    let rows: Value = serde_json::from_str(encoded.rows.get()).unwrap();
    assert_eq!(rows[0][19], json!(format!("{}{CUT_MARK}", "\u{1}".repeat(25))));
}

#[test]
fn too_many_columns_give_no_row_and_say_so() {
    let row: Vec<Option<&str>> = (0..1_600).map(|_| Some("value")).collect();
    let encoded = encode(Format::Json, 5_000, &text_columns(1_600), &[row]);
    assert!(encoded.too_wide);
    assert_eq!((encoded.row_count, encoded.rows.get()), (0, "[]"));
    let wide_row: Vec<Option<&str>> = (0..90).map(|_| Some("twenty-two characters!")).collect();
    let encoded = encode(Format::Json, 5_000, &text_columns(90), &[wide_row]);
    assert!(encoded.too_wide);
    assert_eq!(encoded.rows.get(), "[]");
}

#[test]
fn rows_that_count_for_nothing_leave_no_trace() {
    let columns = text_columns(1);
    for format in [Format::Json, Format::Csv, Format::Markdown] {
        let row = vec![Some("x")];
        let expected = encode(format, 2_000, &columns, std::slice::from_ref(&row));
        let mut encoder = Encoder::new(format, 2_000, 50);
        encoder.begin(&columns);
        let long = "long".repeat(1_000);
        encoder.row(&[Some(long.as_str())]);
        encoder.begin(&columns);
        encoder.row(&row);
        let encoded = encoder.finish().unwrap();
        assert_eq!((encoded.rows.get(), &encoded.text), (expected.rows.get(), &expected.text));
        let counts = |of: &Encoded| (of.row_count, of.cut_fields, of.field_chars, of.left);
        assert_eq!(counts(&encoded), counts(&expected));
    }
}

#[test]
fn no_rows_are_still_a_whole_reply() {
    assert_eq!(encode(Format::Json, 40_000, &text_columns(2), &[]).rows.get(), "[]");
    assert_eq!(encode(Format::Csv, 40_000, &text_columns(2), &[]).text.unwrap(), "c0,c1\r\n");
    assert_eq!(encode(Format::Json, 40_000, &[], &[vec![], vec![]]).rows.get(), "[[],[]]");
}

/// A fixed sequence of pseudo-random numbers (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn field(&mut self) -> Option<String> {
        const PIECES: [&str; 24] = [
            "\"",
            "\\",
            "\n",
            "\r",
            ",",
            "|",
            "[",
            "]",
            "{",
            "}",
            ":",
            "1",
            "23",
            "-",
            "e9",
            ".",
            "null",
            "true",
            "\u{1F600}",
            "é",
            "\u{0}",
            "\u{2028}",
            "\\u12",
            "abcdefghij",
        ];
        (self.below(8) > 0).then(|| (0..self.below(40)).map(|_| PIECES[self.below(24)]).collect())
    }
}

#[test]
fn any_rows_in_any_encoding_give_json_that_reads_back_within_the_budget() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let encodings = [Encoding::Number, Encoding::Boolean, Encoding::Json, Encoding::Text];
    let types = ["numeric", "double precision", "text"];
    for _ in 0..2_000 {
        let columns: Vec<ProjectedColumn> = (0..1 + dice.below(6))
            .map(|at| column(&format!("c\"{at}"), types[dice.below(3)], encodings[dice.below(4)]))
            .collect();
        let rows: Vec<Vec<Option<String>>> =
            (0..dice.below(30)).map(|_| columns.iter().map(|_| dice.field()).collect()).collect();
        let borrowed: Vec<Vec<Option<&str>>> =
            rows.iter().map(|row| row.iter().map(Option::as_deref).collect()).collect();
        let budget = 1_500 + dice.below(4_000);
        let encoded = encode(Format::Json, budget, &columns, &borrowed);
        let read: Vec<Vec<Value>> = serde_json::from_str(encoded.rows.get()).unwrap();
        assert_eq!(read.len() as u64, encoded.row_count);
        assert!(chars(&encoded) <= budget);
        assert!(!encoded.rows.get().contains(['\n', '\r', '\u{2028}']));
        assert!(encoded.too_wide || encoded.row_count > 0 || rows.is_empty());
        let cut = read.iter().flatten().filter(|v| v.as_str().is_some_and(|s| s.ends_with(CUT_MARK))).count();
        assert_eq!(cut as u64, encoded.cut_fields);
        for (row, sent) in read.iter().zip(&rows) {
            for ((value, sent), column) in row.iter().zip(sent).zip(&columns) {
                assert!(sent.is_some() || value.is_null());
                if column.encoding == Encoding::Text && !value.as_str().is_some_and(|s| s.ends_with(CUT_MARK))
                {
                    assert_eq!(value.as_str(), sent.as_deref());
                }
            }
        }
    }
}

#[test]
fn any_rows_as_csv_read_back_field_by_field() {
    let mut dice = Dice(42);
    for _ in 0..1_000 {
        let columns = text_columns(2 + dice.below(4));
        let rows: Vec<Vec<Option<String>>> =
            (0..dice.below(20)).map(|_| columns.iter().map(|_| dice.field()).collect()).collect();
        let borrowed: Vec<Vec<Option<&str>>> =
            rows.iter().map(|row| row.iter().map(Option::as_deref).collect()).collect();
        let mut encoder = Encoder::new(Format::Csv, 1_000_000, 1_000_000);
        encoder.begin(&columns);
        for row in &borrowed {
            assert_eq!(encoder.row(row), Flow::Continue);
        }
        let read = read_csv(&encoder.finish().unwrap().text.unwrap());
        let unseen = |field: &Option<String>| field.as_deref().map(written_out);
        let rows: Vec<Vec<_>> = rows.iter().map(|row| row.iter().map(unseen).collect()).collect();
        assert_eq!(read[1..], rows);
    }
}

/// The two characters of the dice that nobody sees.
fn written_out(text: &str) -> String {
    text.replace('\u{0}', "\\u{0}").replace('\u{2028}', "\\u{2028}")
}

/// Reads RFC 4180 with an unquoted empty field as NULL.
fn read_csv(text: &str) -> Vec<Vec<Option<String>>> {
    let mut rows = vec![vec![None]];
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        let field: &mut Option<String> = rows.last_mut().unwrap().last_mut().unwrap();
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => field.as_mut().unwrap().push('"'),
            '"' if quoted => quoted = false,
            '"' if field.is_none() => {
                *field = Some(String::new());
                quoted = true;
            }
            ',' if !quoted => rows.last_mut().unwrap().push(None),
            '\r' if !quoted => {
                assert_eq!(chars.next(), Some('\n'));
                rows.push(vec![None]);
            }
            c => field.get_or_insert_default().push(c),
        }
    }
    assert_eq!(rows.pop(), Some(vec![None]), "the last line is ended");
    rows
}
