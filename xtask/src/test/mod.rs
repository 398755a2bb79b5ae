//! `cargo xtask test`: every test there is, in order, from a clean clone.
//!
//! It stops at the first step that fails and says how to repeat just that one. What the steps are is in `steps`,
//! what they need of the machine in `tools`.

mod steps;
mod tools;

use std::{process::ExitCode, time::Instant};

use clap::{Args, builder::PossibleValuesParser};
use steps::{STEPS, Step};
pub(crate) use steps::{document_drill, failure_drills, journal_drill, yjs_drills};

use crate::program;

/// Options of `cargo xtask test`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Runs this step alone; may be given several times
    #[arg(long, value_name = "STEP", value_parser = step_names())]
    only: Vec<String>,
    /// Lists the steps and runs none
    #[arg(long)]
    list: bool,
}

fn step_names() -> PossibleValuesParser {
    PossibleValuesParser::new(STEPS.iter().map(|step| step.name))
}

impl Options {
    fn chosen(&self) -> Vec<&'static Step> {
        let is_chosen = |step: &&Step| self.only.is_empty() || self.only.iter().any(|name| name == step.name);
        STEPS.iter().filter(is_chosen).collect()
    }
}

/// Runs the chosen steps.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let steps = options.chosen();
    if options.list {
        for step in steps {
            println!("{:<11} {}", step.name, step.does);
        }
        return Ok(ExitCode::SUCCESS);
    }
    tools::ensure(steps.iter().flat_map(|step| step.needs).copied())?;
    let started = Instant::now();
    for (done, step) in steps.iter().enumerate() {
        let place = format!("[{}/{}]", done + 1, steps.len());
        println!("{place} {}", step.does);
        let step_started = Instant::now();
        let result = (step.run)();
        let seconds = step_started.elapsed().as_secs_f64();
        if let Err(error) = result {
            if program::interrupted() {
                println!("{place} interrupted after {seconds:.1} s");
                return Ok(ExitCode::from(130));
            }
            println!("{place} FAILED after {seconds:.1} s: {error:#}");
            println!("{done} passed, 1 failed, {} skipped", steps.len() - done - 1);
            println!("Repeat just this step with: cargo xtask test --only {}", step.name);
            return Ok(ExitCode::FAILURE);
        }
        println!("{place} ok, {seconds:.1} s");
    }
    println!("All steps took {:.0} s.", started.elapsed().as_secs_f64());
    println!("{} passed, 0 failed", steps.len());
    Ok(ExitCode::SUCCESS)
}
