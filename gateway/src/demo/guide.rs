//! What one may try with the demo, as text: commands for a shell, right as they are printed.

use std::path::{Path, PathBuf};

use super::SLUG;

/// What the commands have to name.
#[derive(Debug, Clone)]
pub struct Guide {
    /// The directory that the commands are typed in.
    pub directory: PathBuf,
    /// The program that runs.
    pub program: PathBuf,
    /// Its data directory.
    pub data: PathBuf,
    /// The configuration file that it was given, if it was.
    pub config: Option<PathBuf>,
}

impl Guide {
    /// What to try with the server at this address. The indented lines are commands.
    #[must_use]
    pub fn text(&self, url: &str) -> String {
        let token = self.shown(&self.data.join("admin-token"));
        let database = self.database();
        let directory = self.directory.display();
        format!(
            r#"
The demo is a wholesaler's half year, in the organization `{SLUG}`: 300 products, 100 customers, and
what they ordered, cancelled and sent back. GraphiQL shows all of it, with the contents of
{token} in its box "Headers": {url}/graphiql

Or type, in a shell in {directory}:

    graphql() {{
      curl -sS -w '\n' -G {url}/graphql --data-urlencode "query=$1" \
        -H "Authorization: Bearer $(cat {token})" -H 'Millrace-Organization: {SLUG}'
    }}
    graphql '{{ orders(first: 3) {{ nodes {{ number placedAt customerName net status }} }} }}'
    graphql '{{ salesByMonth {{ month currency orders net credits }} }}'
    graphql '{{ salesByCustomer(first: 3) {{ customer {{ name }} orders net creditsNet }} }}'
    psql "$({database})" -c "
      select month, currency, orders, net, credits from read.sales_by_month order by month"
"#
        )
    }

    /// The command that prints the database's address.
    fn database(&self) -> String {
        let (program, data) = (self.shown(&self.program), self.shown(&self.data));
        let config = self.config.as_ref().map(|file| format!(" --config {}", self.shown(file)));
        format!("{program} database url --data {data}{}", config.unwrap_or_default())
    }

    /// A path as a shell takes it, even as a command: from the directory, if it lies in there.
    fn shown(&self, path: &Path) -> String {
        let absolute = self.directory.join(path);
        let inside = absolute.strip_prefix(&self.directory).map(|rest| Path::new(".").join(rest));
        let text = inside.unwrap_or(absolute.clone()).display().to_string();
        if text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+".contains(c)) {
            return text;
        }
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guide(data: &str) -> Guide {
        Guide {
            directory: "/home/ann".into(),
            program: "/home/ann/target/release/millrace".into(),
            data: data.into(),
            config: None,
        }
    }

    #[test]
    fn paths_are_short_where_they_can_be_and_quoted_where_they_must() {
        let shown = |data: &str| guide(data).database();
        let program = "./target/release/millrace database url --data";
        assert_eq!(shown("./data"), format!("{program} ./data"));
        assert_eq!(shown("data"), format!("{program} ./data"));
        assert_eq!(shown("/var/data"), format!("{program} /var/data"));
        assert_eq!(shown("Ann's data"), format!(r"{program} './Ann'\''s data'"));
    }

    #[test]
    fn a_configuration_file_is_named_again() {
        let guide = Guide { config: Some("my.toml".into()), ..guide("data") };
        assert!(guide.database().ends_with("--data ./data --config ./my.toml"));
    }
}
