//! What became of an expression: groups, steps, kernels, and why something was not compiled.

use std::fmt::Write;

use crate::bind::{Bound, Group, Kind};
use crate::function::Function;
use crate::graph::Graph;
use crate::lower;
use crate::plan::{Place, Step, Steps};

impl Function {
    /// A text for people: for every way the arguments have lain so far, the groups, and how each is run.
    ///
    /// With `code`, the loops of compiled kernels follow as the back end got them, and their machine code.
    pub fn explain(&self, code: bool) -> String {
        let mut text = String::new();
        self.each_bound(|bound| {
            // Writing to a string does not fail.
            let _ = describe(&mut text, &self.graph, bound, code);
        });
        if text.is_empty() {
            text.push_str("not called yet\n");
        }
        text
    }
}

fn describe(text: &mut String, graph: &Graph, bound: &Bound, code: bool) -> std::fmt::Result {
    for (g, group) in bound.groups.iter().enumerate() {
        let what = match &group.kind {
            Kind::Map(_) => "elementwise".to_string(),
            Kind::Fold(plan) => format!("{}.reduce ({:?})", plan.name, plan.order),
        };
        let classes: Vec<String> =
            group.body.inputs.iter().map(|i| format!("{:?}", i.class).to_lowercase()).collect();
        writeln!(
            text,
            "group {g}: {what}, {} operations, inputs: {}{}",
            group.body.nodes.len(),
            classes.join(", "),
            if group.layout.gathers { ", several strips in a tile" } else { "" }
        )?;
        match group.made() {
            Some(steps) => steps_text(text, graph, steps, code)?,
            None => {
                steps_text(text, graph, group.blocks(), code)?;
                writeln!(text, "  not compiled: {}", reason(graph, group))?;
            }
        }
    }
    Ok(())
}

fn reason(graph: &Graph, group: &Group) -> String {
    let without: Vec<&str> = group
        .body
        .nodes
        .iter()
        .filter_map(|&n| graph.is_apply(n))
        .filter(|a| lower::row(a).is_none())
        .map(|a| a.name())
        .collect();
    if group.body.nodes.len() < 2 {
        "nothing to fuse".into()
    } else if without.len() + 1 >= group.body.nodes.len() {
        format!("only registered loops have {}", without.join(", "))
    } else {
        "not run often enough, or beyond the back ends".into()
    }
}

fn steps_text(text: &mut String, graph: &Graph, steps: &Steps, code: bool) -> std::fmt::Result {
    let name = |n: usize| graph.is_apply(n).map_or("input", |a| a.name());
    for step in &steps.list {
        match step {
            Step::Load { input, to, .. } => {
                let target = if matches!(to.place, Place::Out(_)) { "result" } else { "tile" };
                writeln!(text, "  gather input {input} into a {target}")?;
            }
            Step::Loop(l) => {
                let why = match graph.is_apply(l.node).is_some_and(|a| lower::row(a).is_none()) {
                    true => " (no compiled form)",
                    false => "",
                };
                writeln!(text, "  loop {}{why}", name(l.node))?;
            }
            Step::Move(m) => writeln!(text, "  cast to {:?}", graph.nodes[m.node].dtype.num)?,
            Step::Kernel(k) => {
                let names: Vec<&str> = k.nodes.iter().map(|&n| name(n)).collect();
                let made = k.kernel.compiled();
                writeln!(
                    text,
                    "  kernel [{}] by {}, {} bytes",
                    made.backend,
                    names.join(", "),
                    made.bytes().len()
                )?;
                if code {
                    for line in made.text.lines().chain([""]).chain(made.listing().lines()) {
                        writeln!(text, "    {line}")?;
                    }
                }
            }
        }
    }
    Ok(())
}
