//! Claims about persons in histories: who is erased is told of nowhere, and everybody else is.

use harness::{Shop, test};
use serde_json::{Value, json};

use super::{nodes, page, told};

#[test]
fn who_is_erased_is_told_of_in_no_page_and_everybody_else_is() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let add = |name: &str, phone: &str| {
            let role = "purchasing";
            json!({ "customerId": customer, "name": name, "phone": phone, "role": role })
        };
        let anna = shop.run("addContact", add("Anna Quaas", "17")).await["id"].clone();
        let bert = shop.run("addContact", add("Bert Immer", "18")).await["id"].clone();
        for (contact, name) in [(&anna, "Anna Berg"), (&bert, "Bert Berg")] {
            let rename = json!({ "contactId": contact, "name": name, "phone": "" });
            shop.run("changeContact", rename).await;
        }
        app.settled().await;
        let history = async |id: &Value, arguments: &str| {
            let page = page(&shop.client, &format!("contact(id: {id})"), arguments).await;
            nodes(&page).iter().map(told).collect::<Vec<_>>()
        };
        let renamed = |was: &str, is: &str, phone: &str| {
            vec![format!("name {was} > {is}"), format!("phone {phone} > -")]
        };
        let before = history(&anna, "").await;
        assert!(before[0].contains(&"name - > Anna Quaas".to_owned()), "{before:?}");
        assert_eq!(before[1], renamed("Anna Quaas", "Anna Berg", "17"));
        let erase = json!({ "contactId": anna, "reason": "request 17" });
        let erased = shop.run("eraseContact", erase).await;
        app.settled().await;
        for arguments in ["first: 1", "first: 2", "last: 2", "", "last: 3"] {
            let shown = format!("{:?}", history(&anna, arguments).await);
            for personal in ["Anna", "Quaas", "Berg", "17 >", "> 17"] {
                assert!(!shown.contains(personal), "{personal}, {arguments}: {shown}");
            }
        }
        let facts = history(&anna, "").await;
        let [added, changed, last] = &facts[..] else { panic!("three facts, not {facts:?}") };
        assert!(added.contains(&"role - > purchasing".to_owned()), "what is nobody's stays");
        assert_eq!(*changed, [""; 0], "a name became another, and neither is told");
        assert_eq!(*last, ["status active > erased", "statusReason - > request 17"]);
        let then = format!("contact(id: {anna}, asOf: {{ position: {} }})", erased["position"]);
        let then = page(&shop.client, &then, "").await;
        assert_eq!(nodes(&then).len(), 3);
        assert!(!then.to_string().contains("Quaas"), "{then}");
        let berts = history(&bert, "").await;
        assert!(berts[0].contains(&"phone - > 18".to_owned()), "{berts:?}");
        assert_eq!(berts[1], renamed("Bert Immer", "Bert Berg", "18"));
    });
}
