// What GraphiQL shows at first: operations that run as they are against the demo (`millrace serve
// --demo`), and with other ids against anything. The demo's ids are the same in every demo.

const EXAMPLES = `# Millrace GraphiQL
#
# 1. In "Headers" below, put your token in place
#    of the words in angle brackets. The first
#    start writes the administrator's to the file
#    admin-token in the data directory. Of several
#    organizations, choose one by adding
#    "Millrace-Organization": "<its slug>".
# 2. Press "Re-fetch GraphQL schema", bottom
#    left, for completion and documentation.
# 3. Put the cursor into one of the operations
#    and press Ctrl-Enter. They are meant for the
#    demo (millrace serve --demo), whose ids they
#    name.

# The last orders, with what stands in them.
query Orders {
  orders(first: 5) {
    nodes {
      number
      placedAt
      status
      net
      currency
      customer { id name credit { limit available } }
      lines { sku name quantity unitPrice net }
    }
    pageInfo { hasNextPage endCursor }
  }
}

# Everything happens in one go, or nothing does:
# the goods are reserved, and the customer's credit.
mutation PlaceOrder {
  placeOrder(input: {
    customerId: "9ea6bd34-bbd0-5773-8dbf-3320ef116584"
    reference: "tried in GraphiQL"
    lines: [
      { productId: "cf409aaa-d586-562b-b047-aa97c37054ed", quantity: "1" }
      { productId: "21e4a197-864a-55ac-9fc2-e3b65e30f498", quantity: "2" }
    ]
  }) {
    position
    order { id number net customer { name credit { exposure available } } }
  }
}

# Keep this running in a second tab, and place an order.
subscription OrdersChanged {
  ordersChanged { kind recordId order { number status net customerName } cursor }
}

query SalesByMonth {
  salesByMonth { month currency orders net creditNotes creditsNet }
}

# A record as it was recorded by a time: a minute before
# this page was opened, see "Variables" below.
query AsOf($then: DateTime!) {
  then: customer(id: "9ea6bd34-bbd0-5773-8dbf-3320ef116584", asOf: { time: $then }) { ...card }
  now: customer(id: "9ea6bd34-bbd0-5773-8dbf-3320ef116584") { ...card }
}

fragment card on Customer {
  name
  version
  credit { exposure available version }
}

# Any record by its id, whatever it is.
query Node {
  node(id: "cf409aaa-d586-562b-b047-aa97c37054ed") {
    __typename
    id
    ... on Product { sku name stock { onHand reserved available unit } }
    ... on Customer { name }
  }
}

# Whatever fits, as somebody types it: the last word
# may be begun, and a typo is forgiven.
query Search {
  search(query: "hexagn nu", first: 5) {
    total
    facets { values { value count } }
    edges {
      score
      highlights { field parts { text marked } }
      node {
        __typename
        ... on Product { sku name }
        ... on Customer { name }
        ... on Order { number customerName }
      }
    }
  }
}

# A code without its dashes, and what else there is of it.
query SearchProducts {
  searchProducts(query: "nutm8", facets: [STATUS, UNIT]) {
    total
    facets { name values { value count } }
    edges { highlights { field parts { text marked } } node { sku name } }
  }
}
`;

const VARIABLES = JSON.stringify(
  { then: new Date(Date.now() - 60_000).toISOString() },
  null,
  2,
);
