//! Claims about whose cluster it is and as whom it runs; the files that it is refused over are
//! made by hand here.

use super::*;

#[tokio::test]
async fn somebody_elses_directory_is_refused() {
    let place = Place::new();
    let (data, owner) = if is_root() {
        place.start().await.stop().await.unwrap();
        chown(place.cluster(), Some(12_345), None).unwrap();
        (place.data(), "12345")
    } else {
        (PathBuf::from("/usr/millrace"), "root")
    };
    let error = Embedded::start(options(&data)).await.unwrap_err();
    assert!(matches!(error, PostgresError::SomebodyElses { .. }), "{error}");
    assert!(error.to_string().contains(owner), "{error}");
    assert!(error.to_string().contains("--data"), "{error}");
}

#[tokio::test]
async fn what_is_no_cluster_is_left_alone() {
    let place = Place::new();
    let file = place.cluster().join("precious");
    fs::create_dir_all(place.cluster()).unwrap();
    fs::write(&file, "").unwrap();
    let error = place.refusal().await;
    assert!(matches!(error, PostgresError::NotACluster { .. }), "{error}");
    assert!(file.exists());
}

#[tokio::test]
async fn a_cluster_of_another_major_version_is_refused_with_both_named() {
    let place = Place::new();
    place.start().await.stop().await.unwrap();
    fs::write(place.cluster().join("PG_VERSION"), "99\n").unwrap();
    let error = place.refusal().await;
    let PostgresError::WrongMajor { wanted, ref found, .. } = error else { panic!("{error}") };
    assert_eq!(wanted, 99);
    assert!(!found.is_empty());
    assert!(error.to_string().contains("postgresql-99"), "{error}");
}

#[tokio::test]
async fn the_server_never_runs_as_root() {
    let place = Place::new();
    let embedded = place.start().await;
    let user = fs::metadata(format!("/proc/{}", place.server())).unwrap().uid();
    assert_ne!(user, 0);
    assert!(is_root() || user == geteuid().as_raw());
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn an_ordinary_user_can_run_it() {
    let place = Place::new();
    let nobody = User::from_name("nobody").unwrap().unwrap();
    if is_root() {
        chown(place.0.path(), Some(nobody.uid.as_raw()), None).unwrap();
    }
    let mut program = Program::begin(&place.data(), is_root().then_some(nobody.uid));
    program.ready().await;
    let server = fs::metadata(format!("/proc/{}", place.server())).unwrap().uid();
    assert_eq!(server, fs::metadata(place.0.path()).unwrap().uid());
    program.stop().await;
    assert!(!place.runs());

    // Root, too, runs it as its owner then.
    let embedded = place.start().await;
    assert_eq!(fs::metadata(format!("/proc/{}", place.server())).unwrap().uid(), server);
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn a_closed_data_directory_still_gets_its_cluster() {
    let place = Place::new();
    fs::set_permissions(place.0.path(), Permissions::from_mode(0o700)).unwrap();
    let embedded = place.start().await;
    let home = fs::canonicalize(place.data().join("postgres")).unwrap();
    assert_eq!(home.starts_with("/var/lib/millrace"), is_root());
    let server = place.server();

    // Opened later, the data directory still leads to the cluster that was made.
    fs::set_permissions(place.0.path(), Permissions::from_mode(0o755)).unwrap();
    let again = place.start().await;
    assert_eq!(place.server(), server);
    again.stop().await.unwrap();
    embedded.stop().await.unwrap();
    fs::remove_dir_all(home).unwrap();
}

#[tokio::test]
async fn a_cluster_that_was_closed_later_is_not_replaced_by_an_empty_one() {
    let place = Place::new();
    place.start().await.stop().await.unwrap();
    fs::set_permissions(place.0.path(), Permissions::from_mode(0o700)).unwrap();
    if is_root() {
        let error = place.refusal().await;
        assert!(matches!(error, PostgresError::Unreachable { .. }), "{error}");
        assert!(error.to_string().contains("chmod"), "{error}");
    } else {
        place.start().await.stop().await.unwrap();
    }
}
