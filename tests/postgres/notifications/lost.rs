//! Connections that break, and servers that share a database.

use super::*;

async fn killed(source: Source) {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    let gateway = served(&database, source).await;
    let mut peers = Vec::new();
    for way in Way::ALL {
        peers.push(Peer::start(way, &gateway, &[ORDERS]).await);
    }
    for round in 0..3 {
        if source == Source::Trigger {
            listens(&database).await;
        }
        let kill =
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 AND datname = $2";
        let killed = admin.query(kill, &[&READER, &database.name()]).await.unwrap();
        assert!(!killed.is_empty());
        let sql = format!("ALTER TABLE shop.orders ADD COLUMN after_{round} text");
        admin.batch_execute(&sql).await.unwrap();
        for peer in &mut peers {
            peer.hears(&sql, &[ORDERS]).await;
        }
    }
    for peer in &mut peers {
        peer.is_left_alone("all is told").await;
    }
}

#[tokio::test]
async fn connections_that_are_killed_come_back_and_nothing_is_lost() {
    killed(Source::Poll).await;
}

#[tokio::test]
async fn the_listening_one_too() {
    killed(Source::Trigger).await;
}

#[tokio::test]
async fn where_notifications_do_not_arrive_the_poll_is_quick_again() {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    let gateway = served(&database, Source::Trigger).await;
    let mut peer = Peer::start(Way::StdioListen, &gateway, &[ORDERS]).await;
    listens(&database).await;
    let mute = "CREATE OR REPLACE FUNCTION pgwarden_notify.tell() RETURNS event_trigger LANGUAGE plpgsql
        AS 'BEGIN END'; ALTER TABLE shop.orders ADD COLUMN unsaid text";
    admin.batch_execute(mute).await.unwrap();
    let heard = peer.next(Duration::from_secs(20)).await.expect("looked for");
    assert_eq!(heard["params"]["uri"], ORDERS);
    for round in 0..3 {
        let started = std::time::Instant::now();
        let sql = format!("ALTER TABLE shop.orders ADD COLUMN unsaid_{round} text");
        admin.batch_execute(&sql).await.unwrap();
        peer.hears(&sql, &[ORDERS]).await;
        assert!(started.elapsed() < Duration::from_secs(4), "{round}: {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn each_replica_tells_its_own_clients() {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    let gateways = [served(&database, Source::Poll).await, gateway(&database, Policy::builtin())];
    let mut peers = Vec::new();
    for gateway in &gateways {
        peers.push(Peer::start(Way::HttpSession, gateway, &[ORDERS]).await);
        peers.push(Peer::start(Way::HttpListen, gateway, &[ORDERS]).await);
    }
    for round in 0..3 {
        let sql = format!("ALTER TABLE shop.orders ADD COLUMN round_{round} text");
        admin.batch_execute(&sql).await.unwrap();
        for peer in &mut peers {
            peer.hears(&sql, &[ORDERS]).await;
        }
    }
}

#[tokio::test]
async fn nothing_is_looked_for_where_it_is_switched_off_or_nobody_asks() {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    let gate = gate_with(&database.url(READER), |settings| {
        settings.name = "shop".to_owned();
        settings.notice_changes = false;
    });
    gate.ready().await.unwrap();
    let _watching = gate.watch();
    let other = gate_with(&database.url(READER), |settings| settings.name = "shop".to_owned());
    other.ready().await.unwrap();
    drop(other.watch());
    let before = (gate.catalog().unwrap(), other.catalog().unwrap());
    admin.batch_execute("ALTER TABLE shop.orders ADD COLUMN unseen text").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(std::sync::Arc::ptr_eq(&gate.catalog().unwrap(), &before.0), "switched off");
    assert!(std::sync::Arc::ptr_eq(&other.catalog().unwrap(), &before.1), "nobody asks");
}
