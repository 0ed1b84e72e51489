//! The service's refusals: status, code, text, and the three body shapes they come in.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::message::{Response, Wait};
use super::stamp;

/// A refusal, before it knows its request id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HubError {
    pub(super) code: Code,
    pub(super) text: String,
    shape: Shape,
    info: Info,
    wait: Wait,
}

/// `info` in shape B.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Info {
    /// It is not written.
    Absent,
    /// `null`
    Null,
    /// `{}`
    Empty,
}

/// How the body is written. The service differs by operation and by year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// `{"Message":"ErrorCode:<name>;<text>","ExceptionMessage":"Tracking ID:…"}`
    A,
    /// An object with a number, as a string in `Message`.
    B,
    /// The same object at the top level.
    C,
}

macro_rules! codes {
    ($($name:ident = $number:literal),+ $(,)?) => {
        /// The service's codes this simulator answers with; the first three digits are the HTTP status.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Code { $($name),+ }

        impl Code {
            /// The name in `iothub-errorcode` and in shape A.
            pub(super) fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }

            /// The number in shapes B and C.
            pub(super) fn number(self) -> u32 {
                match self { $(Self::$name => $number),+ }
            }
        }
    };
}

codes! {
    GenericBadRequest = 400_000,
    InvalidProtocolVersion = 400_001,
    ArgumentInvalid = 400_004,
    IotHubFormatError = 400_006,
    DeviceDefinedMultipleTimes = 400_011,
    InvalidDeviceScope = 400_028,
    InvalidConfigurationTargetCondition = 400_401,
    InvalidConfigurationContent = 400_402,
    InvalidConfigurationCustomMetricsQuery = 400_404,
    IotHubUnauthorizedAccess = 401_002,
    SystemModuleModifyUnauthorizedAccess = 401_100,
    IotHubQuotaExceeded = 403_002,
    OperationNotAvailableInCurrentTier = 403_010,
    DeviceModelMaxPropertiesExceeded = 403_100,
    GenericNotFound = 404_000,
    DeviceNotFound = 404_001,
    JobNotFound = 404_002,
    ModuleNotFound = 404_010,
    DeviceNotOnline = 404_103,
    ConfigurationNotFound = 404_301,
    OperationNotAllowedInCurrentState = 405_102,
    DeviceAlreadyExists = 409_001,
    JobAlreadyExists = 409_104,
    ModuleAlreadyExistsOnDevice = 409_301,
    ConfigurationAlreadyExists = 409_401,
    PreconditionFailed = 412_001,
    JobRunPreconditionFailed = 412_003,
    MessageTooLarge = 413_001,
    TooManyDevices = 413_002,
    TooManyModulesOnDevice = 413_003,
    ConfigurationCountLimitExceeded = 413_101,
    ThrottlingBacklogTimeout = 429_003,
    ThrottlingMaxActiveJobCountExceeded = 429_004,
    ServerError = 500_001,
    GenericTimeout = 500_008,
    ServiceUnavailable = 503_001,
    GatewayTimeout = 504_101,
}

impl Code {
    pub(super) fn status(self) -> u16 {
        u16::try_from(self.number() / 1_000).unwrap_or(500)
    }
}

impl HubError {
    pub(super) fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), shape: Shape::A, info: Info::Absent, wait: Wait::None }
    }

    pub(super) fn argument(text: impl Into<String>) -> Self {
        Self::new(Code::ArgumentInvalid, text)
    }

    pub(super) fn device_not_found(device: &str) -> Self {
        Self::new(Code::DeviceNotFound, device)
    }

    /// GET of an unknown twin has answered in shape B since 2021, for modules under the device's code too.
    pub(super) fn twin_not_found(device: &str, module: Option<&str>) -> Self {
        let text = match module {
            Some(module) => format!("Module {module} on device {device} is not registered."),
            None => format!("Device {device} is not registered."),
        };
        Self { shape: Shape::B, ..Self::new(Code::DeviceNotFound, text) }
    }

    pub(super) fn module_not_found(device: &str, module: &str) -> Self {
        Self::new(Code::ModuleNotFound, format!("Module {module} on device {device} not found."))
    }

    pub(super) fn device_exists(device: &str) -> Self {
        Self::new(Code::DeviceAlreadyExists, format!("A device with ID '{device}' is already registered."))
    }

    pub(super) fn module_exists(hub: &str, device: &str, module: &str) -> Self {
        let text = format!("Device {device} in IotHub {hub} already contains Module {module}.");
        Self { shape: Shape::C, ..Self::new(Code::ModuleAlreadyExistsOnDevice, text) }
    }

    /// 412 of an identity: shows both counters in the clear, when the sent tag holds one.
    pub(super) fn identity_precondition(existing: u64, sent: &str) -> Self {
        match stamp::identity_counter(sent) {
            Some(sent) => Self::new(
                Code::PreconditionFailed,
                format!(
                    "Precondition failed: Device version did not match, existingVersion:{existing} newVersion:{sent}"
                ),
            ),
            None => Self::precondition(),
        }
    }

    pub(super) fn precondition() -> Self {
        Self::new(Code::PreconditionFailed, "PreconditionFailed, ETag may be invalid.")
    }

    pub(super) fn reserved_module() -> Self {
        Self::new(Code::SystemModuleModifyUnauthorizedAccess, "Unauthorized to modify reserved module.")
    }

    pub(super) fn unauthorized(text: impl Into<String>) -> Self {
        Self::new(Code::IotHubUnauthorizedAccess, text)
    }

    /// A direct method's argument is out of range.
    pub(super) fn method_argument(text: &str) -> Self {
        Self { shape: Shape::B, ..Self::new(Code::ArgumentInvalid, text) }
    }

    /// A direct method to somebody who is not registered.
    pub(super) fn no_such_target(device: &str, module: Option<&str>) -> Self {
        let error = match module {
            Some(module) => Self::module_not_found(device, module),
            None => Self::new(Code::DeviceNotFound, format!("Device {device} is not registered.")),
        };
        Self { shape: Shape::B, ..error }
    }

    /// A direct method to somebody who is not connected.
    pub(super) fn not_online() -> Self {
        let text = "The operation failed because the requested device isn't online. To learn more, see https://aka.ms/iothub404103";
        Self { shape: Shape::B, info: Info::Null, ..Self::new(Code::DeviceNotOnline, text) }
    }

    /// A direct method nobody answered in time.
    pub(super) fn method_timed_out() -> Self {
        let text = "Timed out waiting for the response from device.";
        Self { shape: Shape::B, info: Info::Empty, ..Self::new(Code::GatewayTimeout, text) }
    }

    /// The day's messages are used up.
    pub(super) fn quota_exceeded(hub: &str, most: u64, count: u64) -> Self {
        let text = format!(
            "Total number of messages on IotHub '{hub}' exceeded the allocated quota. Max allowed message count : \
             '{most}', current message count : '{count}'. Send and Receive operations are blocked for this hub until \
             the next UTC day. Consider increasing the units for this hub to increase the quota."
        );
        Self { shape: Shape::B, ..Self::new(Code::IotHubQuotaExceeded, text) }
    }

    /// The same, unless it is otherwise when asked again after this time.
    pub(super) fn asked_again(self, after: Option<Duration>) -> Self {
        Self { wait: after.map_or(Wait::None, Wait::Again), ..self }
    }

    /// The same, unless its turn comes after this time.
    pub(super) fn in_turn(self, after: Duration) -> Self {
        Self { wait: Wait::Turn(after), ..self }
    }

    /// Whether the request is made again before anybody hears of this.
    pub(super) fn is_put_off(&self) -> bool {
        matches!(self.wait, Wait::Again(_) | Wait::Turn(_))
    }

    /// The same, sent after this time.
    pub(super) fn late(self, after: Duration) -> Self {
        Self { wait: Wait::Late(after), ..self }
    }

    /// The answer; the tracking id is the request id without dashes.
    pub(super) fn response(&self, request_id: Uuid, now: Timestamp) -> Response {
        let tracking = request_id.simple();
        let body = match self.shape {
            Shape::A => json!({
                "Message": format!("ErrorCode:{};{}", self.code.name(), self.text),
                "ExceptionMessage": format!("Tracking ID:{tracking}-G:0-TimeStamp:{}", stamp::us_date(now)),
            }),
            Shape::B => json!({
                "Message": self.object(&format!("{tracking}-G:0-TimeStamp:{}", stamp::us_date(now)), now).to_string(),
                "ExceptionMessage": "",
            }),
            Shape::C => {
                let tracking = tracking.to_string().to_ascii_uppercase();
                self.object(&format!("{tracking}-G2:-TimeStamp:{}", stamp::instant(now)), now)
            }
        };
        let response = Response::with_status(self.code.status(), &body);
        let response = Response { wait: self.wait, ..response }.header("iothub-errorcode", self.code.name());
        match self.code {
            // It carries no `Retry-After`, and ends the connection.
            Code::ThrottlingBacklogTimeout => response.header("Connection", "close"),
            _ => response,
        }
    }

    fn object(&self, tracking_id: &str, now: Timestamp) -> Value {
        let mut object = json!({
            "errorCode": self.code.number(),
            "trackingId": tracking_id,
            "message": self.text,
            "timestampUtc": stamp::instant(now),
        });
        let info = match self.info {
            Info::Absent => return object,
            Info::Null => Value::Null,
            Info::Empty => json!({}),
        };
        if let Some(object) = object.as_object_mut() {
            object.insert("info".to_owned(), info);
        }
        object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_shapes_carry_code_text_and_tracking_id() {
        let now: Timestamp = "2021-07-07T20:45:26Z".parse().unwrap();
        let body = |error: &HubError| -> Value {
            let response = error.response(Uuid::nil(), now);
            assert!(response.headers.iter().any(|(n, v)| n == "iothub-errorcode" && v == error.code.name()));
            serde_json::from_slice(&response.body).unwrap()
        };
        assert_eq!(
            body(&HubError::identity_precondition(343_060_357, "MzQzMDYwMzU2")),
            json!({
                "Message": "ErrorCode:PreconditionFailed;Precondition failed: Device version did not match, existingVersion:343060357 newVersion:343060356",
                "ExceptionMessage": "Tracking ID:00000000000000000000000000000000-G:0-TimeStamp:07/07/2021 20:45:26",
            })
        );
        let b = body(&HubError::twin_not_found("d", None));
        let inner: Value = serde_json::from_str(b["Message"].as_str().unwrap()).unwrap();
        assert_eq!(inner["errorCode"], 404_001);
        let c = body(&HubError::module_exists("h", "d", "m"));
        assert_eq!(c["errorCode"], 409_301);
        assert_eq!(c["message"], "Device d in IotHub h already contains Module m.");
    }
}
