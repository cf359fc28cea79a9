//! A broker behind TLS that asks who we are.

use std::{fs, path::PathBuf, time::Duration};

use kernel_application::{HealthCheck, messaging::EventLog};
use platform_kafka::{
    KafkaConfig, KafkaEventLog, KafkaHealth, Sasl, SaslMechanism, SecurityError, SecurityProtocol,
};
use platform_runtime::Secret;
use platform_telemetry::{Metrics, silent};
use platform_testkit::{data_dir, free_port, servers};

use crate::support::{Bench, brokers::Brokers, config, create, message, read_all, shared};

const TOPIC: &str = "events";

/// Lines for listeners with TLS: one that asks for a password and one that does not.
fn listeners(keystore: &str, secure: u16, tls: u16) -> String {
    format!(
        "ssl.keystore.type=PEM
ssl.keystore.location={keystore}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL,TLS:SSL
listeners=PLAINTEXT://127.0.0.1:@port@,CONTROLLER://127.0.0.1:@controller@,SECURE://127.0.0.1:{secure},TLS://127.0.0.1:{tls}
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_shop=\"correct horse\";
listener.name.secure.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;"
    )
}

fn ca() -> PathBuf {
    servers::read("TEST_TLS_CA").unwrap().into()
}

fn sasl(mechanism: SaslMechanism, password: &str) -> Sasl {
    Sasl { mechanism, username: "shop".to_owned(), password: Secret::new(password) }
}

fn open(config: &KafkaConfig) -> KafkaEventLog {
    Bench::new(config, &[(TOPIC, 1)]).log
}

#[tokio::test]
async fn speaks_tls_and_proves_its_password() {
    let dir = data_dir().unwrap();
    let keystore = dir.path().join("keystore.pem");
    let pem = |variable| fs::read_to_string(servers::read(variable).unwrap()).unwrap();
    fs::write(&keystore, pem("TEST_TLS_KEY") + &pem("TEST_TLS_CERT")).unwrap();
    let (secure, tls) = (free_port().unwrap(), free_port().unwrap());
    let extra = listeners(&keystore.display().to_string(), secure, tls);
    let user = "SCRAM-SHA-512=[name=shop,password=correct horse]";
    let brokers = Brokers::start(1, &extra, &["--add-scram", user]).await;
    create(&brokers.addresses(), TOPIC, 1, 1).await;
    let base = KafkaConfig {
        security: SecurityProtocol::SaslSsl,
        ca_cert: Some(ca()),
        request_timeout: Duration::from_secs(3),
        ..config(&format!("127.0.0.1:{secure}"))
    };

    for (n, mechanism) in [(0, SaslMechanism::Plain), (1, SaslMechanism::ScramSha512)] {
        let log = open(&KafkaConfig { sasl: Some(sasl(mechanism, "correct horse")), ..base.clone() });
        log.append(TOPIC, 0, &[message(n, TOPIC, "a")]).await.unwrap();
        assert_eq!(read_all(&log, TOPIC, 0).await.len(), n as usize + 1);
        let wrong = open(&KafkaConfig { sasl: Some(sasl(mechanism, "wrong horse")), ..base.clone() });
        let words = KafkaHealth::new(wrong).check().await.unwrap_err();
        assert!(words.contains("Sasl") && !words.contains("horse"), "{words}");
    }
    let encrypted = KafkaConfig {
        security: SecurityProtocol::Ssl,
        brokers: vec![format!("127.0.0.1:{tls}")],
        ..base.clone()
    };
    assert_eq!(read_all(&open(&encrypted), TOPIC, 0).await.len(), 2);
    let plain = KafkaConfig { security: SecurityProtocol::Plaintext, ca_cert: None, ..encrypted.clone() };
    assert!(open(&plain).verify().await.is_err(), "a listener with TLS takes nothing else");
}

#[test]
fn a_file_without_authorities_is_refused() {
    let dir = data_dir().unwrap();
    let file = dir.path().join("ca.pem");
    let config = KafkaConfig { security: SecurityProtocol::Ssl, ca_cert: Some(file.clone()), ..shared() };
    let refused = || KafkaEventLog::new(&config, &[], &Metrics::new(), silent()).err().unwrap();
    assert!(matches!(refused(), SecurityError::Read { .. }));
    fs::write(&file, "no certificate").unwrap();
    let error = refused();
    assert!(matches!(error, SecurityError::Empty { .. }));
    assert!(error.to_string().contains("KAFKA_CA_CERT") && error.to_string().contains("ca.pem"), "{error}");
}
