//! What InfluxDB calls the columns of an answer.

use std::collections::HashMap;

use super::ast::{Call, Expr, Field};

impl Field {
    /// The name of the column: its alias, or one made from its expression.
    pub fn name(&self) -> String {
        self.alias.clone().unwrap_or_else(|| name_of(&self.expr))
    }
}

/// The name that an expression gives its column.
pub fn name_of(expr: &Expr) -> String {
    match expr {
        Expr::VarRef(var) => var.name.clone(),
        Expr::Call(Call { name, .. }) => name.clone(),
        Expr::Distinct(_) => "distinct".to_owned(),
        Expr::Paren(inner) => name_of(inner),
        Expr::Binary(_) => {
            let mut parts = Vec::new();
            parts_of(expr, &mut parts);
            parts.join("_")
        }
        _ => String::new(),
    }
}

fn parts_of<'a>(expr: &'a Expr, parts: &mut Vec<&'a str>) {
    match expr {
        Expr::VarRef(var) => parts.push(&var.name),
        Expr::Call(Call { name, .. }) => parts.push(name),
        Expr::Binary(binary) => {
            parts_of(&binary.left, parts);
            parts_of(&binary.right, parts);
        }
        Expr::Paren(inner) => parts_of(inner, parts),
        _ => (),
    }
}

/// The names of columns that are all different: aliases stay, others get a number where they are taken.
pub fn column_names(fields: &[Field]) -> Vec<String> {
    let mut taken: HashMap<String, usize> = HashMap::new();
    for alias in fields.iter().filter_map(|field| field.alias.as_ref()) {
        taken.insert(alias.clone(), 1);
    }
    let named = |field: &Field| {
        if let Some(alias) = &field.alias {
            return alias.clone();
        }
        let mut name = name_of(&field.expr);
        if let Some(count) = taken.get(&name).copied() {
            let mut count = count;
            let mut numbered = format!("{name}_{count}");
            while taken.contains_key(&numbered) {
                count += 1;
                numbered = format!("{name}_{count}");
            }
            taken.insert(name, count + 1);
            name = numbered;
        }
        *taken.entry(name.clone()).or_insert(0) += 1;
        name
    };
    fields.iter().map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::super::ast::VarRef;
    use super::*;

    #[test]
    fn names_that_are_taken_get_a_number() {
        let var = |name: &str, alias: Option<&str>| Field {
            expr: Expr::VarRef(VarRef { name: name.to_owned(), data_type: None }),
            alias: alias.map(str::to_owned),
        };
        let fields = [var("a", Some("n")), var("n", None), var("n", None), var("b", None), var("b", None)];
        assert_eq!(column_names(&fields), ["n", "n_1", "n_2", "b", "b_1"]);
    }
}
