//! The hub client over real TLS: whose certificates it believes, how it says so when it does not, and that it follows
//! nobody elsewhere. The server speaks just enough HTTP/1.1 to be believed.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's helpers fail as its assertions do")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use edgedeck::domain::device::RegistryStatistics;
use edgedeck::domain::fault::{Fault, FaultKind};
use edgedeck::domain::ids::{DeviceId, ETag, TwinId};
use edgedeck::domain::time::ManualClock;
use edgedeck::hub::{ConnectionString, Hub, HubSettings, Trust};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

const STATISTICS: &str = r#"{"totalDeviceCount":3,"enabledDeviceCount":2,"disabledDeviceCount":1}"#;

/// A TLS server on a port of its own that gives every request the same bytes back.
struct Server {
    port: u16,
    authority_pem: Vec<u8>,
    requests: Arc<AtomicUsize>,
}

impl Server {
    async fn answering(answer: String) -> Self {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![leaf.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, answer, counted) = (acceptor.clone(), answer.clone(), Arc::clone(&counted));
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(socket).await else { return };
                    let mut head = Vec::new();
                    let mut buffer = [0_u8; 4096];
                    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                        match stream.read(&mut buffer).await {
                            Ok(0) | Err(_) => return,
                            Ok(read) => head.extend_from_slice(&buffer[..read]),
                        }
                    }
                    counted.fetch_add(1, Ordering::SeqCst);
                    let _the_client_may_be_gone = stream.write_all(answer.as_bytes()).await;
                    if answer.is_empty() {
                        // Says nothing and keeps the line open until the client gives up.
                        while matches!(stream.read(&mut buffer).await, Ok(read) if read > 0) {}
                    }
                    let _the_client_may_be_gone = stream.shutdown().await;
                });
            }
        });
        Self { port, authority_pem: authority.pem().into_bytes(), requests }
    }

    fn hub(&self, trust: Trust) -> Hub {
        let text = format!("HostName=localhost:{};SharedAccessKeyName=owner;SharedAccessKey=a2tr", self.port);
        let (endpoint, credential) = ConnectionString::parse(&text).unwrap().into_parts();
        let mut settings = HubSettings::new(endpoint, credential);
        settings.trust = trust;
        settings.timeouts.request = Duration::from_millis(500);
        let clock = ManualClock::at("2026-03-04T10:00:00Z".parse().unwrap());
        Hub::connect(settings, clock).unwrap()
    }

    async fn statistics(&self, trust: Trust) -> Result<RegistryStatistics, Fault> {
        self.hub(trust).read.statistics().await
    }

    /// A write, which is never tried again and so fails without a pause.
    async fn write(&self, trust: Trust) -> Fault {
        let id = TwinId::device(DeviceId::from_wire("d"));
        let write = self.hub(trust).write.unwrap();
        write.patch_twin(&id, &json!({"tags": {}}), &ETag::from_wire("AAAAAAAAAAE=")).await.unwrap_err()
    }

    fn own(&self) -> Trust {
        Trust::Only(self.authority_pem.clone())
    }
}

fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

#[tokio::test]
async fn a_hub_with_the_given_authority_is_believed() {
    let server = Server::answering(http("200 OK", "content-type: application/json\r\n", STATISTICS)).await;
    let expected = RegistryStatistics { total: 3, enabled: 2, disabled: 1 };
    assert_eq!(server.statistics(server.own()).await, Ok(expected));
    assert_eq!(server.statistics(Trust::Also(server.authority_pem.clone())).await, Ok(expected));
}

#[tokio::test]
async fn another_authority_is_not_believed_and_the_reason_is_said() {
    let server = Server::answering(http("200 OK", "", STATISTICS)).await;
    let other = Server::answering(String::new()).await;
    let fault = server.write(other.own()).await;
    assert_eq!(fault.kind, FaultKind::Unreachable);
    assert!(fault.message.raw().contains("certificate"), "{fault}");
    assert_eq!(server.requests.load(Ordering::SeqCst), 0, "no token went to a stranger");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::answering(http("200 OK", "", STATISTICS)).await;
    let location = format!("location: https://localhost:{}/\r\n", elsewhere.port);
    let server = Server::answering(http("302 Found", &location, "")).await;
    let fault = server.statistics(server.own()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Protocol);
    assert!(fault.message.raw().starts_with("the host redirects to "), "{fault}");
    assert_eq!(elsewhere.requests.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_silent_hub_is_left_after_the_limit() {
    let server = Server::answering(String::new()).await;
    let fault = server.write(server.own()).await;
    assert_eq!(fault.kind, FaultKind::TimedOut);
    assert_eq!(fault.to_string(), "could not change the twin of d: no answer within 0.5 s");
    assert_eq!(server.requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"total".to_owned()).await;
    let fault = server.write(server.own()).await;
    assert!(fault.may_have_happened(), "{fault:?}");
    assert!(matches!(fault.kind, FaultKind::Unreachable | FaultKind::Protocol), "{fault:?}");
}
