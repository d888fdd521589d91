use std::time::Duration;

use super::{Cut, Rest, reply};
use crate::db::{Flow, Ran, RowSink, Truncation};
use crate::gateway::output::Encoder;
use crate::gateway::{CallLimits, Format, QueryOutput};
use crate::pg::{Diagnostic, Source, SqlState};
use crate::sql::{Encoding, Extent, ProjectedColumn, WITHHELD};
use crate::telemetry::Telemetry;

fn limits() -> CallLimits {
    CallLimits { rows: 100, characters: 4_000, field_characters: 20, deadline: Duration::from_secs(5) }
}

fn answer(format: Format, ran: Ran, limit: u64, rows: &[&str]) -> Result<QueryOutput, Diagnostic> {
    let mut encoder = Encoder::new(format, limits().characters, limits().field_characters);
    encoder.begin(&[column("name".to_owned(), Extent::Cut)]);
    for row in rows {
        assert_eq!(encoder.row(&[Some(row)]), Flow::Continue);
    }
    let rest = Rest {
        cut: ran.truncated.map(Cut::from),
        notices: &ran.notices,
        next: None,
        about: None,
        tool: None,
        counts: &Telemetry::default(),
    };
    reply(&rest, encoder, limit, &limits())
}

fn column(name: String, extent: Extent) -> ProjectedColumn {
    ProjectedColumn { name, type_name: "text".to_owned(), encoding: Encoding::Text, extent }
}

fn ran(rows: u64, truncated: Option<Truncation>) -> Ran {
    Ran { rows, truncated, notices: Vec::new() }
}

#[test]
fn a_whole_answer_says_so() {
    let output = answer(Format::Json, ran(1, None), 100, &["a"]).unwrap();
    assert_eq!(
        serde_json::to_string(&output).unwrap(),
        r#"{"columns":[{"name":"name","type":"text"}],"rows":[["a"]],"row_count":1,"truncated":false,"notices":[]}"#
    );
}

#[test]
fn more_rows_than_the_callers_own_limit_say_how_far_it_goes() {
    let output = answer(Format::Json, ran(1, Some(Truncation::Rows)), 1, &["a"]).unwrap();
    assert!(output.truncated);
    assert_eq!(
        output.truncated_reason.unwrap(),
        "there are more rows than `limit` 1: raise it (at most 100), aggregate, or narrow the WHERE"
    );
}

#[test]
fn more_rows_than_the_configuration_gives_say_how_to_page() {
    let output = answer(Format::Json, ran(1, Some(Truncation::Rows)), 100, &["a"]).unwrap();
    assert!(output.truncated_reason.unwrap().starts_with("there are more rows than 100: aggregate"));
    let output = answer(Format::Json, ran(1, Some(Truncation::Sink)), 100, &["a"]).unwrap();
    assert!(output.truncated_reason.unwrap().starts_with("there are more rows, the reply is full at 4000"));
}

#[test]
fn a_cut_value_makes_the_answer_truncated_and_says_how_to_read_on() {
    let output = answer(Format::Json, ran(1, None), 100, &["123456789012345678901"]).unwrap();
    assert!(output.truncated);
    assert_eq!(
        output.truncated_reason.unwrap(),
        "1 value was cut at 20 characters (it ends with `…[cut]`): read on with substr(column::text, 21, 20)"
    );
}

#[test]
fn a_withheld_value_makes_the_answer_truncated_and_says_what_to_select() {
    for format in [Format::Json, Format::Csv, Format::Markdown] {
        let mut encoder = Encoder::new(format, limits().characters, limits().field_characters);
        encoder.begin(&[column("doc".to_owned(), Extent::CutOrWithheld)]);
        assert_eq!(encoder.row(&[Some(WITHHELD)]), Flow::Continue);
        let output = reply(
            &Rest {
                cut: None,
                notices: &[],
                next: None,
                about: None,
                tool: None,
                counts: &Telemetry::default(),
            },
            encoder,
            100,
            &limits(),
        )
        .unwrap();
        assert!(output.truncated);
        let shown = output.text.unwrap_or_else(|| output.rows.get().to_owned());
        assert!(shown.contains("…[too large]") && !shown.contains('\u{1}'), "{shown}");
        assert_eq!(
            output.truncated_reason.unwrap(),
            "1 value was too large to print (`…[too large]` stands for it): select a part of it, such as a key of \
             its JSON, an element or a field"
        );
    }
}

#[test]
fn a_line_of_explain_may_be_as_long_as_the_reply() {
    let mut encoder = Encoder::new(Format::Json, limits().characters, limits().field_characters);
    encoder.begin(&[column("QUERY PLAN".to_owned(), Extent::Whole)]);
    assert_eq!(encoder.row(&[Some(&"x".repeat(2_000))]), Flow::Continue);
    let output = reply(
        &Rest { cut: None, notices: &[], next: None, about: None, tool: None, counts: &Telemetry::default() },
        encoder,
        100,
        &limits(),
    )
    .unwrap();
    assert!(!output.truncated);
    assert_eq!(output.rows.get(), format!("[[\"{}\"]]", "x".repeat(2_000)));
}

#[test]
fn a_table_that_is_not_whole_says_so_below_it() {
    let output = answer(Format::Csv, ran(1, Some(Truncation::Rows)), 1, &["a"]).unwrap();
    let text = output.text.unwrap();
    assert!(text.contains("---\nname\r\na\r\n--- end of data "), "{text}");
    assert!(text.contains(" ---\n\n(1 row, truncated: there are more rows"), "{text}");
    let output = answer(Format::Csv, ran(1, None), 100, &["a"]).unwrap();
    assert_eq!(output.text.unwrap().lines().count(), 4, "two of them are the fence");
}

#[test]
fn notices_take_what_room_is_left_and_count_the_rest() {
    let notice =
        Diagnostic::new(Source::Postgresql, SqlState::parse("01000"), "odd\nvalue \"x\"").hint("look");
    let many = Ran { rows: 1, truncated: None, notices: vec![notice; 500] };
    let output = answer(Format::Json, many, 100, &["a"]).unwrap();
    assert_eq!(output.notices[0], "odd value \"x\"; look");
    assert!(output.notices.last().unwrap().ends_with(" more notices"));
    assert!(serde_json::to_string(&output).unwrap().chars().count() <= limits().characters);
}

#[test]
fn a_row_that_never_fits_is_an_error_with_a_way_out() {
    let mut encoder = Encoder::new(Format::Json, 4_000, 20);
    let columns: Vec<ProjectedColumn> = (0..500).map(|at| column(format!("c{at}"), Extent::Cut)).collect();
    encoder.begin(&columns);
    let error = reply(
        &Rest {
            cut: Some(Cut::Reply),
            notices: &[],
            next: None,
            about: None,
            tool: None,
            counts: &Telemetry::default(),
        },
        encoder,
        100,
        &limits(),
    )
    .unwrap_err();
    assert_eq!(error.sqlstate, SqlState::PROGRAM_LIMIT_EXCEEDED);
    assert_eq!(error.message, "one row of 500 columns does not fit in a reply of 4000 characters");
    assert_eq!(error.hint.as_deref(), Some("name the columns that are needed"));
}
