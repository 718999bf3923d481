pub struct Expectations<'a> {
    pub loader_symbol: &'a str,
    pub version_symbol: &'a str,
    pub api_version: &'a str,
}
