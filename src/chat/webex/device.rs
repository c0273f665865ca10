//! Our registered device: reused by its name, refreshed, and registered anew when it is gone. Devices that
//! are registered again and again pile up until no more are given.

use std::sync::PoisonError;

use hyper::Method;
use serde_json::{Value, json};

use super::{CATALOG, Webex, text};
use crate::chat::Trouble;
use crate::chat::link::Ask;

/// The name by which our device is found again.
const DEVICE: &str = "nocbot";

/// Where our device is registered, and its WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Device {
    pub url: String,
    pub socket: String,
}

/// What is known of registrations.
#[derive(Debug, Default)]
pub(super) struct Registration {
    device: Option<Device>,
    /// Registered by the list, and yet no WebSocket is given for it.
    gone: Vec<String>,
}

fn body() -> Value {
    json!({
        "deviceName": DEVICE, "name": DEVICE, "deviceType": "DESKTOP", "model": "nocbot",
        "localizedModel": "nocbot", "systemName": DEVICE, "systemVersion": env!("CARGO_PKG_VERSION"),
    })
}

impl Webex {
    /// The device, as it was registered before or anew.
    pub(super) async fn device(&self) -> Result<Device, Trouble> {
        let known = self.registration(|registration| registration.device.clone());
        if let Some(known) = known {
            return Ok(known);
        }
        let devices = format!("{}/devices", self.wdm().await?);
        let list = match self.get(&devices).await {
            // There is none yet.
            Err(Trouble::Refused(_)) => Value::Null,
            list => list?,
        };
        let gone = self.registration(|registration| registration.gone.clone());
        let list = list.get("devices").and_then(Value::as_array).cloned().unwrap_or_default();
        let ours = list.iter().filter(|device| text(device, "name") == DEVICE);
        let mut ours: Vec<String> =
            ours.map(|device| text(device, "url")).filter(|url| !url.is_empty()).collect();
        let mut found = None;
        if let Some(at) = ours.iter().position(|url| !gone.contains(url)) {
            let url = ours.remove(at);
            match self.send(Method::PUT, &url, &body()).await {
                Ok(device) => found = Some(device),
                Err(Trouble::Refused(_)) => ours.push(url),
                Err(trouble) => return Err(trouble),
            }
        }
        // What else bears our name is left over from a registration that failed half way.
        for url in &ours {
            self.unregister(url).await;
        }
        let device = match found {
            Some(device) => device,
            None => self.send(Method::POST, &devices, &body()).await?,
        };
        self.keep(&device)
    }

    fn keep(&self, device: &Value) -> Result<Device, Trouble> {
        let device = Device { url: text(device, "url"), socket: text(device, "webSocketUrl") };
        if device.socket.is_empty() {
            return Err(Trouble::unsent("the registered device has no WebSocket"));
        }
        self.registration(|registration| {
            registration.device = Some(device.clone());
            registration.gone.clear();
        });
        Ok(device)
    }

    /// The platform does not know the device any more.
    pub(super) fn gone(&self) {
        self.registration(|registration| {
            let gone = registration.device.take().map(|device| device.url);
            registration.gone.extend(gone);
        });
    }

    /// Says that the device is still in use. `false`: the platform does not know it any more.
    pub(super) async fn refresh(&self) -> Result<bool, Trouble> {
        let Some(device) = self.registration(|registration| registration.device.clone()) else {
            return Ok(false);
        };
        match self.send(Method::PUT, &device.url, &body()).await {
            Ok(device) => self.keep(&device).map(|_| true),
            Err(Trouble::Refused(_)) => Ok(false),
            Err(trouble) => Err(trouble),
        }
    }

    async fn unregister(&self, url: &str) {
        let ask = Ask { method: Method::DELETE, ..Ask::get("write", url) };
        if let Err(trouble) = self.rest.call(ask).await {
            tracing::warn!(%trouble, "a device that is left over could not be taken away");
        }
    }

    /// The registration service.
    async fn wdm(&self) -> Result<String, Trouble> {
        let wdm = if let Some(url) = &self.settings.wdm_url {
            url.clone()
        } else {
            let catalog = self.settings.u2c_url.as_deref().unwrap_or(CATALOG);
            let catalog = self.get(&format!("{catalog}?format=hostmap")).await?;
            let wdm = catalog.pointer("/serviceLinks/wdm").and_then(Value::as_str);
            wdm.ok_or_else(|| Trouble::unsent("the catalog names no registration service"))?.to_owned()
        };
        Ok(wdm.trim_end_matches('/').to_owned())
    }

    fn registration<T>(&self, change: impl FnOnce(&mut Registration) -> T) -> T {
        change(&mut self.registration.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
