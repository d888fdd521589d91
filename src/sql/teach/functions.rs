//! Functions of other dialects, and what PostgreSQL has for them.

const KNOWN: [(&[&str], &str); 36] = [
    (&["ifnull", "nvl", "isnull", "zeroifnull"], "write coalesce(a, b)"),
    (&["nvl2", "iif", "if", "choose"], "write CASE WHEN .. THEN .. ELSE .. END"),
    (&["len", "datalength", "strlen"], "write length(x)"),
    (&["lcase"], "write lower(x)"),
    (&["ucase"], "write upper(x)"),
    (&["instr", "charindex", "locate"], "write strpos(text, part)"),
    (&["substring_index"], "write split_part(text, separator, n)"),
    (&["group_concat", "listagg", "wm_concat"], "write string_agg(x::text, ',' ORDER BY ..)"),
    (&["getdate", "sysdate", "sysdatetime", "systimestamp", "getutcdate"], "write now()"),
    (&["curdate", "today"], "write CURRENT_DATE"),
    (
        &["datediff", "timestampdiff", "date_diff", "months_between"],
        "subtract: `a - b` gives days of dates and an interval of timestamps; or extract(epoch FROM a - b)",
    ),
    (
        &["dateadd", "adddate", "timestampadd", "add_months", "date_sub", "subdate"],
        "add an interval: x + interval '1 day'",
    ),
    (&["date_format", "format_date", "strftime", "time_format"], "write to_char(x, 'YYYY-MM-DD HH24:MI')"),
    (
        &["str_to_date", "parse_date", "parse_datetime"],
        "write to_date(text, 'YYYY-MM-DD') or to_timestamp(..)",
    ),
    (
        &[
            "year",
            "month",
            "day",
            "hour",
            "minute",
            "second",
            "quarter",
            "week",
            "dayofweek",
            "weekday",
            "dayofyear",
        ],
        "write extract(year FROM x), with month, day, hour, dow and so on",
    ),
    (&["datepart", "datename", "date_part_name"], "write extract(year FROM x), or to_char(x, 'Day')"),
    (&["datetrunc", "date_truncate", "timestamp_trunc"], "write date_trunc('month', x)"),
    (&["last_day", "eomonth"], "write date_trunc('month', x) + interval '1 month - 1 day'"),
    (&["unix_timestamp", "to_unixtime"], "write extract(epoch FROM x)"),
    (&["from_unixtime"], "write to_timestamp(seconds)"),
    (&["datefromparts", "datetimefromparts"], "write make_date(year, month, day)"),
    (&["try_cast", "try_convert", "safe_cast", "to_varchar", "cstr"], "write x::type"),
    (&["truncate"], "write trunc(x, digits)"),
    (&["log2"], "write log(2, x)"),
    (&["stdev", "stdevp"], "write stddev(x)"),
    (&["var", "varp"], "write variance(x)"),
    (&["median"], "write percentile_cont(0.5) WITHIN GROUP (ORDER BY x)"),
    (&["approx_count_distinct", "ndv"], "write count(DISTINCT x)"),
    (&["countif", "count_if"], "write count(*) FILTER (WHERE ..)"),
    (&["sumif", "sum_if"], "write sum(x) FILTER (WHERE ..)"),
    (&["safe_divide", "div0"], "write a / nullif(b, 0)"),
    (&["replicate"], "write repeat(text, n)"),
    (&["find_in_set"], "write x = ANY (string_to_array(list, ','))"),
    (
        &["json_extract", "json_value", "json_unquote", "jsonb_extract", "get_json_object"],
        "write x ->> 'key', or x #>> '{a,b}'",
    ),
    (&["explode", "flatten"], "write unnest(array), or jsonb_array_elements(x)"),
    (&["collect_list", "collect_set", "array_agg_distinct"], "write array_agg(DISTINCT x)"),
];

/// What stands for it in PostgreSQL.
pub fn meant(name: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(names, _)| names.contains(&name)).map(|(_, words)| *words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    /// Words before an opening parenthesis that call no function.
    const SYNTAX: [&str; 8] = ["coalesce", "extract", "nullif", "count", "filter", "group", "any", "when"];

    #[test]
    fn every_function_that_is_advised_may_be_called() {
        let policy = Policy::builtin();
        let allowed: Vec<&str> = policy.functions().collect();
        let mut seen = 0;
        for (_, words) in KNOWN {
            for (before, _) in words.match_indices('(').map(|(at, _)| words.split_at(at)) {
                let name = before.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
                if name.is_empty() || SYNTAX.contains(&name.to_lowercase().as_str()) {
                    continue;
                }
                assert!(allowed.contains(&name), "{name}");
                seen += 1;
            }
        }
        assert!(seen > 20);
    }

    #[test]
    fn no_name_is_listed_twice_and_none_is_one_of_ours() {
        let policy = Policy::builtin();
        let allowed: Vec<&str> = policy.functions().collect();
        let mut names: Vec<&str> = KNOWN.iter().flat_map(|(names, _)| names.iter().copied()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert_eq!(names.into_iter().filter(|name| allowed.contains(name)).collect::<Vec<_>>(), [""; 0]);
    }
}
