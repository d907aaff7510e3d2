//! Variables that a template declares and a person may set.

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VariableType {
    Text,
    Integer,
    Number,
    Flag,
    List,
}

impl VariableType {
    pub fn key(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Flag => "flag",
            Self::List => "list",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Flag => "true or false",
            Self::List => "a list",
        }
    }

    fn takes(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Flag => value.is_boolean(),
            Self::List => value.is_array(),
        }
    }

    /// What a person typed, as a value of this type. Items of a list are separated by commas, and whole numbers are
    /// numbers.
    pub fn read(self, text: &str) -> Option<Value> {
        let value = match self {
            Self::Text => Value::from(text),
            Self::Integer => Value::from(text.trim().parse::<i64>().ok()?),
            Self::Number => Value::from(text.trim().parse::<f64>().ok().filter(|number| number.is_finite())?),
            Self::Flag => Value::from(text.trim().parse::<bool>().ok()?),
            Self::List => text.split(',').map(|item| item_of(item.trim())).collect(),
        };
        Some(value)
    }
}

fn item_of(text: &str) -> Value {
    text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from)
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    #[serde(rename = "type")]
    pub kind: VariableType,
    pub default: Value,
    /// The values it may have; any of its type where this is empty.
    #[serde(default)]
    pub allowed: Vec<Value>,
    pub help: String,
}

impl Variable {
    /// Why a value does not suit.
    pub fn refusal(&self, value: &Value) -> Option<String> {
        if !self.kind.takes(value) {
            return Some(format!("{value} is not {}", self.kind.label()));
        }
        if !self.allowed.is_empty() && !self.allowed.contains(value) {
            let allowed: Vec<String> = self.allowed.iter().map(Value::to_string).collect();
            return Some(format!("{value} is not one of {}", allowed.join(", ")));
        }
        None
    }
}
