"""The functions that a user's statement may call: those that compute from their arguments alone, and the clock and chance.

A closed list, so that a function of a later DuckDB is refused until somebody has looked at it. Left out is whatever reads files,
settings, variables, the catalog or other statements' text, waits, writes, or takes what the engine trusts to be its own (states of
aggregates, plans).
"""

from typing import Final

OPERATORS: Final = frozenset(
    {
        "!=",
        "!__postfix",
        "!~~",
        "!~~*",
        "%",
        "&",
        "&&",
        "*",
        "**",
        "+",
        "-",
        "->>",
        "/",
        "//",
        "<",
        "<->",
        "<<",
        "<=",
        "<=>",
        "<@",
        "=",
        ">",
        ">=",
        ">>",
        "@",
        "@>",
        "^",
        "^@",
        "|",
        "||",
        "~",
        "~~",
        "~~*",
        "~~~",
    }
)

SCALARS: Final = frozenset(
    """
    __between abs acos acosh add age aggregate ago any_value apply approx_count_distinct approx_quantile arbitrary arg_max
    arg_max_null arg_min arg_min_null argmax argmin array_agg array_aggr array_aggregate array_append array_apply array_cat
    array_concat array_contains array_distinct array_extract array_filter array_grade_up array_has array_has_all array_has_any
    array_indexof array_intersect array_length array_position array_prepend array_reduce array_resize array_reverse
    array_reverse_sort array_select array_slice array_sort array_to_json array_to_string array_transform array_unique array_value
    array_where array_zip ascii asin asinh atan atan2 atanh avg bar base64 bin bit_and bit_count bit_length bit_or bit_position
    bit_xor bitstring bitstring_agg bool_and bool_or cardinality cbrt ceil ceiling century char_length character_length chr concat
    concat_ws contains corr cos cosh cot count count_if count_star countif covar_pop covar_samp cume_dist current_date
    current_localtime current_localtimestamp damerau_levenshtein date_add date_diff date_part date_sub date_trunc datediff datepart
    datesub datetrunc day dayname dayofmonth dayofweek dayofyear days_in_month decade decode degrees dense_rank divide editdist3
    element_at encode ends_with entropy epoch epoch_ms epoch_ns epoch_us era even exp factorial favg fdiv fill filter first
    first_value flatten floor fmod format formatReadableDecimalSize formatReadableSize format_bytes from_base64 from_binary from_hex
    from_json fsum gamma gcd gen_random_uuid generate_series generate_subscripts geomean geometric_mean get_bit get_current_time
    get_current_timestamp grade_up greatest greatest_common_divisor group_concat grouping grouping_id hamming hash hex histogram
    histogram_exact hour if ilike_escape instr isfinite isinf isnan isodow isoyear jaccard jaro_similarity jaro_winkler_similarity
    json json_array json_array_length json_contains json_deep_merge json_exists json_extract json_extract_path
    json_extract_path_text json_extract_string json_group_array json_group_object json_insert json_keys json_merge_patch
    json_merge_patch_diff json_normalize json_object json_pretty json_quote json_remove json_replace json_set json_strip_nulls
    json_structure json_transform json_type json_valid json_value julian kahan_sum kurtosis kurtosis_pop lag last last_day
    last_value lcase lcm lead least least_common_multiple left left_grapheme len length length_grapheme levenshtein like_escape list
    list_aggr list_aggregate list_any_value list_append list_apply list_approx_count_distinct list_avg list_cat list_concat
    list_contains list_count list_distinct list_element list_extract list_filter list_first list_grade_up list_has list_has_all
    list_has_any list_indexof list_intersect list_last list_max list_median list_min list_mode list_pack list_position list_prepend
    list_reduce list_resize list_reverse list_reverse_sort list_select list_slice list_sort list_string_agg list_sum list_transform
    list_unique list_value list_where list_zip listagg ln log log10 log2 lower lpad ltrim mad make_date make_time make_timestamp
    make_timestamp_ms make_timestamp_ns make_timestamptz map map_concat map_contains map_contains_entry map_contains_value
    map_entries map_extract map_extract_value map_from_entries map_keys map_values max max_by md5 md5_number mean median microsecond
    millennium millisecond min min_by minute mismatches mod mode month monthname multiply nanosecond nextafter nfc_normalize
    not_ilike_escape not_like_escape now nth_value ntile nullif octet_length ord overlay parse_formatted_bytes percent_rank
    pg_typeof pi position pow power prefix printf product quantile quantile_cont quantile_disc quarter radians random range rank
    reduce regexp_escape regexp_extract regexp_extract_all regexp_full_match regexp_matches regexp_replace regexp_split_to_array
    regexp_split_to_table regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy repeat replace
    reverse right right_grapheme round round_even roundbankers row row_number row_to_json rpad rtrim second sem set_bit sha1 sha256
    sign signbit sin sinh skewness split split_part sqrt starts_with stddev stddev_pop stddev_samp str_split str_split_regex
    strftime string_agg string_split string_split_regex string_to_array strip_accents strlen strpos strptime struct_concat
    struct_contains struct_extract struct_extract_at struct_has struct_indexof struct_insert struct_keys struct_pack struct_position
    struct_update struct_values substr substring substring_grapheme subtract suffix sum sumkahan switch tan tanh time_bucket
    timezone timezone_hour timezone_minute to_base64 to_binary to_centuries to_days to_decades to_hex to_hours to_json
    to_microseconds to_millennia to_milliseconds to_minutes to_months to_quarters to_seconds to_timestamp to_weeks to_years today
    translate trim trunc try_strptime typeof ucase unbin unhex unicode union_extract union_tag union_value unnest unpivot_list upper
    url_decode url_encode uuid var_pop var_samp variance wavg week weekday weekofyear weighted_avg xor year yearweek
    """.split()  # noqa: SIM905 - five hundred names
)

TABLES: Final = frozenset({"generate_series", "json_each", "json_tree", "range", "unnest"})
"""What a statement may select from beside `events` and its own parts."""
