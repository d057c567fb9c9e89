//! Accuracy tables: the Markdown tables of `cargo run --example vmath` and of `ACCURACY.md`.
//!
//! Such a table has a column `function`, perhaps one named `points`, and columns named `<dtype>, ulp`; other columns
//! are left alone. So what is committed for people is what the site reads.

use anyhow::{Result, bail};
use serde::Serialize;

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Accuracy {
    pub dtypes: Vec<String>,
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Row {
    pub function: String,
    pub points: String,
    /// Largest error in units of the last place, in the order of `dtypes`.
    pub ulps: Vec<Option<f64>>,
}

impl Accuracy {
    /// # Errors
    /// When there is no such table, or a row of it does not fit.
    pub fn parse(text: &str) -> Result<Accuracy> {
        let mut accuracy = Accuracy::default();
        // Columns of the table being read: function, points, and those of `accuracy.dtypes`.
        let mut columns: Option<(usize, Option<usize>, Vec<Option<usize>>)> = None;
        for (number, line) in text.lines().enumerate() {
            let Some(cells) = cells(line) else {
                columns = None;
                continue;
            };
            let Some((function, points, ulps)) = &columns else {
                columns = accuracy.header(&cells);
                continue;
            };
            if cells.iter().all(|cell| cell.chars().all(|c| matches!(c, '-' | ':'))) {
                continue;
            }
            let Some(name) = cells.get(*function) else { bail!("line {}: too few cells", number + 1) };
            let number_in = |column: &Option<usize>| -> Result<Option<f64>> {
                let Some(cell) = column.and_then(|column| cells.get(column)) else { return Ok(None) };
                if cell.is_empty() || *cell == "-" {
                    return Ok(None);
                }
                match cell.parse::<f64>() {
                    Ok(ulp) if ulp >= 0.0 => Ok(Some(ulp)),
                    _ => bail!("line {}: {cell:?} is no error in ulp", number + 1),
                }
            };
            accuracy.rows.push(Row {
                function: name.trim_matches('`').to_string(),
                points: points.and_then(|column| cells.get(column)).unwrap_or(&"").to_string(),
                ulps: ulps.iter().map(number_in).collect::<Result<_>>()?,
            });
        }
        if accuracy.rows.is_empty() {
            bail!("no table with a column `function` and one that ends in `, ulp`");
        }
        let width = accuracy.dtypes.len();
        accuracy.rows.iter_mut().for_each(|row| row.ulps.resize(width, None));
        Ok(accuracy)
    }

    fn header(&mut self, cells: &[&str]) -> Option<(usize, Option<usize>, Vec<Option<usize>>)> {
        let function = cells.iter().position(|cell| *cell == "function")?;
        let found: Vec<(usize, &str)> =
            cells.iter().enumerate().filter_map(|(i, cell)| Some((i, cell.strip_suffix(", ulp")?))).collect();
        for (_, dtype) in &found {
            if !self.dtypes.iter().any(|known| known == dtype) {
                self.dtypes.push(dtype.to_string());
            }
        }
        let column = |dtype: &String| found.iter().find(|(_, name)| name == dtype).map(|(i, _)| *i);
        let ulps = self.dtypes.iter().map(column).collect();
        (!found.is_empty()).then(|| (function, cells.iter().position(|cell| *cell == "points"), ulps))
    }
}

fn cells(line: &str) -> Option<Vec<&str>> {
    let line = line.trim().strip_prefix('|')?;
    Some(line.strip_suffix('|').unwrap_or(line).split('|').map(str::trim).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_table_is_read() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../ufuncs/src/vmath/ACCURACY.md");
        let accuracy = Accuracy::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert!(accuracy.rows.len() > 50);
        assert!(
            accuracy.rows.iter().any(|row| row.function == "exp" && row.ulps[0].is_some_and(|u| u < 1.0))
        );
    }

    #[test]
    fn tables_with_other_columns_join() {
        let text = "| function | points | f64, ulp | f64, ns |\n|---|---|---|---|\n| `exp` | 0..1 | 0.5 | 3 |\n\n\
                    | a | b |\n|---|---|\n| 1 | 2 |\n\n| function | f16, ulp |\n|:-|-:|\n| sin | 1 |\n| cos | - |\n";
        let accuracy = Accuracy::parse(text).unwrap();
        assert_eq!(accuracy.dtypes, ["f64", "f16"]);
        let ulps: Vec<_> =
            accuracy.rows.iter().map(|row| (row.function.as_str(), row.ulps.clone())).collect();
        assert_eq!(
            ulps,
            [("exp", vec![Some(0.5), None]), ("sin", vec![None, Some(1.0)]), ("cos", vec![None, None]),]
        );
        assert!(Accuracy::parse("nothing").is_err());
        assert!(Accuracy::parse("| function | f64, ulp |\n|---|---|\n| x | many |\n").is_err());
    }
}
