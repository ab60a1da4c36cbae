//! Settings as text: the documented defaults, and what is in force with its origin.

use figment::{Figment, Metadata, Source};
use serde_json::Value;

use super::Config;

/// The defaults as a documented `millrace.toml`.
#[must_use]
pub fn default_toml() -> String {
    let schema = schemars::schema_for!(Config).to_value();
    let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
    let mut text = String::from(
        "# Every setting with its default. A setting is overridden by the environment variable\n\
         # MILLRACE__SECTION__KEY, and that by a flag. Made by `millrace config default`.\n",
    );
    for (section, settings) in defaults.as_object().into_iter().flatten() {
        let described = &schema["properties"][section];
        let definition = definition(&schema, described);
        text.push_str(&format!("\n{}[{section}]\n", comment(described, definition)));
        for (key, value) in settings.as_object().into_iter().flatten() {
            let property = &definition["properties"][key];
            text.push_str(&format!("{}{key} = {}\n", comment(property, property), toml(value)));
        }
    }
    text
}

/// The settings in force, each with its origin; secrets masked.
#[must_use]
pub fn show(config: &Config, origins: &Figment) -> String {
    let settings = serde_json::to_value(config).unwrap_or_default();
    let mut text = String::new();
    for (section, settings) in settings.as_object().into_iter().flatten() {
        text.push_str(&format!("[{section}]\n"));
        for (key, value) in settings.as_object().into_iter().flatten() {
            let path = format!("{section}.{key}");
            let origin = origins.find_metadata(&path).map(origin).unwrap_or_default();
            let value = match path.as_str() {
                "database.url" => masked(value),
                "personal.master_keys" if value != "" => Value::from("***"),
                _ => value.clone(),
            };
            text.push_str(&format!("{key} = {}  #{origin}\n", toml(&value)));
        }
    }
    text
}

/// Where a value was set, to stand behind it.
pub(super) fn origin(metadata: &Metadata) -> String {
    match &metadata.source {
        Some(Source::File(path)) => format!(" (in {})", path.display()),
        // Defaults come as the whole structure, a flag as a single value.
        Some(Source::Code(_)) if metadata.name.ends_with("Config") => " (the default)".to_owned(),
        Some(Source::Code(_)) => " (from a flag)".to_owned(),
        _ => format!(" (from {})", metadata.name),
    }
}

fn masked(value: &Value) -> Value {
    Value::from(without_password(value.as_str().unwrap_or_default()))
}

/// A database address without its password.
#[must_use]
pub fn without_password(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return if address.is_empty() { String::new() } else { "***".to_owned() };
    };
    let (login, place) = rest.rsplit_once('@').map_or(("", rest), |(login, place)| (login, place));
    let place = place.split('?').next().unwrap_or_default();
    let user = login.split(':').next().unwrap_or_default();
    let login = if login.is_empty() { String::new() } else { format!("{user}:***@") };
    format!("{scheme}://{login}{place}")
}

fn definition<'a>(schema: &'a Value, property: &'a Value) -> &'a Value {
    let reference = property["$ref"].as_str().or_else(|| property["allOf"][0]["$ref"].as_str());
    let name = reference.and_then(|reference| reference.rsplit('/').next());
    name.map_or(property, |name| &schema["$defs"][name])
}

fn comment(described: &Value, fallback: &Value) -> String {
    let text = described["description"].as_str().or_else(|| fallback["description"].as_str());
    let lines = text.unwrap_or_default().lines();
    lines.map(|line| format!("# {line}\n")).collect()
}

fn toml(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}

/// Every error on a line: the key, what is wrong, where it was set.
pub(super) fn explain(error: &figment::Error) -> String {
    let line = |error: figment::Error| {
        let key = error.path.join(".");
        let origin = error.metadata.as_ref().map(origin).unwrap_or_default();
        format!("configuration `{key}`: {}{origin}", error.kind)
    };
    let lines: Vec<String> = error.clone().into_iter().map(line).collect();
    format!("{}\n`millrace config default` shows every key", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (address, shown) in [
            ("postgres://me:secret@db:5432/shop?sslmode=require", "postgres://me:***@db:5432/shop"),
            ("postgres://db/shop?user=me&password=secret", "postgres://db/shop"),
            ("host=db password=secret", "***"),
            ("postgres://me:se@cret@db/shop", "postgres://me:***@db/shop"),
            ("", ""),
        ] {
            assert_eq!(masked(&Value::from(address)), Value::from(shown));
        }
    }

    #[test]
    fn the_documented_defaults_are_the_defaults() {
        let parsed: Config = toml::from_str(&default_toml()).unwrap();
        assert_eq!(parsed, Config::default());
    }
}
