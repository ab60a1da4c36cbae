// What an application written with Relay asks for. relay-compiler reads it; nothing runs it.

import { graphql } from "relay-runtime";

// A record that can be fetched again by its id alone.
export const card = graphql`
  fragment documentsCard on Customer @refetchable(queryName: "documentsCardQuery") {
    name
    status
    statusReason
    credit {
      limit
      exposure
    }
  }
`;

// A list of which more can be fetched.
export const orders = graphql`
  fragment documentsOrders on Query
  @argumentDefinitions(first: { type: "Int", defaultValue: 2 }, after: { type: "String" })
  @refetchable(queryName: "documentsOrdersNextQuery") {
    orders(first: $first, after: $after) @connection(key: "documents_orders") {
      edges {
        node {
          id
          number
          status
          lines {
            sku
            quantity
          }
          customer {
            id
            ...documentsCard
          }
        }
      }
    }
  }
`;

// A list within a record, of which more can be fetched.
export const history = graphql`
  fragment documentsHistory on Order
  @argumentDefinitions(first: { type: "Int", defaultValue: 1 }, after: { type: "String" })
  @refetchable(queryName: "documentsHistoryNextQuery") {
    history(first: $first, after: $after) @connection(key: "documents_history") {
      edges {
        node {
          factType
          changes {
            field
            after
          }
        }
      }
    }
  }
`;

export const list = graphql`
  query documentsListQuery {
    ...documentsOrders
  }
`;

export const order = graphql`
  query documentsOrderQuery($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Order {
        number
        status
        lines {
          sku
        }
        ...documentsHistory @alias
      }
    }
  }
`;

export const product = graphql`
  query documentsProductsQuery {
    salesByProduct(first: 2) @required(action: THROW) {
      quantity
      product {
        sku
        listPrice {
          amount
          currency
        }
        stock {
          onHand
        }
      }
    }
    salesByMonth {
      month
      net
    }
  }
`;

export const hold = graphql`
  mutation documentsHoldMutation($input: HoldCustomerInput!) {
    holdCustomer(input: $input) {
      recordId
      customer {
        ...documentsCard
      }
    }
  }
`;

export const changed = graphql`
  subscription documentsChangedSubscription {
    ordersChanged {
      order {
        id
        status
      }
    }
  }
`;
