//! All documents of a file, many at once: each becomes a command, and it is kept what came of it.

use std::collections::HashMap;
use std::sync::Arc;

use commands::Outcome;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;

use super::ImportError;
use super::commander::{Commander, Refused, Why};
use super::documents::{self, Document};
use super::names::Names;
use super::report::Lines;
use super::row::Kind;
use super::survey::{Refusal, Survey};
use super::task::Task;

/// Documents that were read and wait to be executed.
const READ_AHEAD: usize = 64;

/// What came of the documents of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Documents that were written now.
    pub created: u64,
    /// Documents that were there already.
    pub there_already: u64,
    /// The lines of all of them.
    pub lines: Lines,
}

/// What came of all documents.
#[derive(Debug, Default)]
pub struct Executed {
    /// The orders.
    pub orders: Taken,
    /// The credit notes.
    pub credit_notes: Taken,
    /// How many facts were appended.
    pub facts: u64,
    /// Documents that a rule refused, by index in the survey.
    pub refused: HashMap<u32, Refusal>,
}

/// What came of a document.
type Done = Result<(Document, Result<Outcome, Refusal>), ImportError>;

/// Executes every document of the file that is taken.
///
/// # Errors
/// If the file cannot be read again, or nothing goes on for too long: running it again goes on.
pub async fn execute(
    task: &Arc<Task>,
    survey: &Arc<Survey>,
    names: &Names,
    commander: &Commander,
) -> Result<Executed, ImportError> {
    let taken = survey.documents.list.iter().filter(|document| document.is_taken());
    task.progress.begin("documents", taken.count() as u64);
    commander.patience.progressed();
    let (sender, receiver) = mpsc::channel(READ_AHEAD);
    let (reading_task, reading_survey) = (task.clone(), survey.clone());
    let reading = tokio::task::spawn_blocking(move || {
        documents::send(&reading_task, &reading_survey, &sender)
    });
    let flight = Flight { task, survey, names, commander };
    let executed = flight.run(receiver).await;
    let read = reading.await.map_err(|error| ImportError::Work(error.to_string()))?;
    let executed = executed?;
    read?;
    Ok(executed)
}

/// The documents that are executed right now.
struct Flight<'a> {
    task: &'a Task,
    survey: &'a Survey,
    names: &'a Names,
    commander: &'a Commander,
}

impl Flight<'_> {
    /// Executes what comes, until nothing more does.
    async fn run(&self, mut documents: mpsc::Receiver<Document>) -> Result<Executed, ImportError> {
        let limits = &self.task.limits;
        let (mut executed, mut lines) = (Executed::default(), 0);
        let mut flight = FuturesUnordered::new();
        let mut next: Option<Document> = None;
        let mut open = true;
        while open || next.is_some() || !flight.is_empty() {
            let room = |document: &mut Document| {
                let fits = lines + document.lines.len() <= limits.flight_lines_max;
                flight.len() < limits.flight_documents_max && (fits || flight.is_empty())
            };
            if let Some(document) = next.take_if(room) {
                lines += document.lines.len();
                flight.push(self.one(document));
            }
            tokio::select! {
                () = self.commander.patience.stopped(), if open => {
                    // What is under way is finished, and known.
                    documents.close();
                    (next, open) = (None, false);
                }
                document = documents.recv(), if open && next.is_none() => match document {
                    Some(document) => next = Some(document),
                    None => open = false,
                },
                Some(done) = flight.next() => {
                    let (document, outcome) = done?;
                    lines -= document.lines.len();
                    self.settle(&mut executed, &document, outcome);
                }
            }
        }
        self.commander.patience.go_on()?;
        Ok(executed)
    }

    async fn one(&self, document: Document) -> Done {
        let entry = self.survey.documents.at(document.index);
        let series = &self.task.mapping.documents.series;
        let word = entry.kind.word();
        let key = format!("import/{word}/{series}/{}", entry.number);
        let parts: [&[u8]; 2] = [series.as_bytes(), entry.number.as_bytes()];
        let id = self.commander.organization.derive(&format!("imported_{word}"), &parts);
        let (customer, products) = match self.names.of(entry.customer, &document) {
            Ok(named) => named,
            Err(refusal) => return Ok((document, Err(refusal))),
        };
        let product = |index: u32| products[&index];
        let (number, mapping) = (&*entry.number, &self.task.mapping);
        let given = match entry.kind {
            Kind::Order => {
                let order = document.order(number, mapping, customer, product);
                self.commander.give(id, &key, &order).await?
            }
            Kind::CreditNote => {
                let credit_note = document.credit_note(number, mapping, customer, product);
                self.commander.give(id, &key, &credit_note).await?
            }
        };
        let outcome = given.map_err(|refused| blamed(&document, refused));
        Ok((document, outcome))
    }

    fn settle(
        &self,
        executed: &mut Executed,
        document: &Document,
        outcome: Result<Outcome, Refusal>,
    ) {
        self.task.progress.add(1);
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(refusal) => return drop(executed.refused.insert(document.index, refusal)),
        };
        let taken = match self.survey.documents.at(document.index).kind {
            Kind::Order => &mut executed.orders,
            Kind::CreditNote => &mut executed.credit_notes,
        };
        for line in &document.lines {
            taken.lines.add(line.quantity, line.unit_price);
        }
        if outcome.repeated {
            taken.there_already += 1;
        } else {
            taken.created += 1;
            executed.facts += u64::from(outcome.facts);
        }
    }
}

/// The row of a document that a refusal is about, and what about it, in the mapping's words.
fn blamed(document: &Document, refused: Refused) -> Refusal {
    let field = refused.field.as_deref().unwrap_or_default();
    let (index, name) = match field.strip_prefix("lines[").and_then(|rest| rest.split_once("]")) {
        Some((index, name)) => (index.parse().unwrap_or(0), name.trim_start_matches('.')),
        None => (0, field),
    };
    let field = match name {
        "customerId" => "customer",
        "productId" => "product",
        "quantity" => "quantity",
        "unitPrice" => "unit_price",
        "placedAt" | "postedAt" | "businessDate" => "placed_at",
        "reference" => "reference",
        _ => "document",
    };
    let reason = match refused.why {
        Why::KeyReused => "it was imported before with other contents".to_owned(),
        Why::Taken | Why::Rule => refused.reason,
    };
    let first = document.lines.first();
    let line = document.lines.get(index).or(first).map_or(0, |line| line.line);
    Refusal { line, field, reason }
}
