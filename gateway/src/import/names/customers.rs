//! The customers that a file names: by their numbers.

use std::collections::HashMap;

use commands::customers::open::OpenCustomer;
use commands::customers::set_terms::PaymentTermsInput;
use events::customers::CustomerId;
use queries::customers::CustomerRow;

use super::{Found, Known, LOOKED_UP, NameClerk, made};
use crate::import::ImportError;
use crate::import::survey::Customer;

/// What ids of customers are derived with.
const CUSTOMER: &str = "imported_customer";

impl NameClerk<'_> {
    pub(super) async fn find_customers(
        &self,
        wanted: &[u32],
    ) -> Result<HashMap<u32, Found<CustomerId>>, ImportError> {
        let mut found = HashMap::new();
        for wanted in wanted.chunks(LOOKED_UP) {
            let customer = |index: &u32| &*self.survey.customers.at(*index).number;
            let numbers: Vec<&str> = wanted.iter().map(customer).collect();
            let access = self.access();
            let ask = async || self.reader.customers_by_number(&access, &numbers).await;
            for row in self.commander.ask(ask).await? {
                let number = row.number.as_deref().unwrap_or_default();
                if let Some(index) = self.survey.customers.index(number) {
                    let ours = row.customer_id == self.derived(CUSTOMER, number);
                    found.insert(index, Found { ours, ..Found::there(self.usable(&row)) });
                }
            }
        }
        Ok(found)
    }

    /// The amounts of the file are in its currency; a customer's orders are in the customer's.
    fn usable(&self, row: &CustomerRow) -> Known<CustomerId> {
        let currency = self.task.mapping.currency;
        if row.currency == currency.code() {
            return Ok(CustomerId(row.customer_id));
        }
        let (number, theirs) = (row.number.as_deref().unwrap_or_default(), &row.currency);
        Err(format!("customer {number} trades in {theirs}, the file is in {currency}"))
    }

    /// None: another customer has its number, or an import gave it to one of another name.
    pub(super) async fn make_customer(
        &self,
        index: u32,
        exists: bool,
    ) -> Result<Option<Found<CustomerId>>, ImportError> {
        let Customer { number, name, .. } = self.survey.customers.at(index);
        let id = self.derived(CUSTOMER, number);
        if exists {
            return Ok(Some(Found::there(Ok(id.into()))));
        }
        let customers = &self.task.mapping.customers;
        let name = match name {
            Some(name) => name.to_string(),
            None => customers.name.replace("{number}", number),
        };
        let open = OpenCustomer {
            name,
            number: Some(number.to_string()),
            currency: Some(self.task.mapping.currency),
            terms: customers.net_days.map(|net_days| PaymentTermsInput { net_days }),
            credit_limit: customers.credit_limit,
        };
        let opened = self.commander.give(id, &format!("import/customers/{number}"), &open).await?;
        Ok(made(id, opened))
    }
}
