//! What is asked, and how it is timed: the same for every client, ours and the bare ones.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::Read as _;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// One server of the fleet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Server {
    pub name: String,
    pub host: String,
    /// SSH, and NETCONF on it.
    pub ssh: u16,
    /// RESTCONF.
    pub https: u16,
    pub username: String,
    pub password: String,
}

/// What a client reads from its standard input.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    pub servers: Vec<Server>,
    /// The servers' certificate.
    pub fingerprint: String,
    pub known_hosts: String,
    /// What is asked by NETCONF: the inside of a subtree filter.
    pub filter: String,
    /// What is asked by RESTCONF: a path below `data`.
    pub path: String,
    /// How often everything is done; the least counts.
    pub rounds: usize,
    /// Warm questions per device and round.
    pub questions: usize,
}

impl Job {
    /// What the benchmark wrote.
    pub fn read() -> Self {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

/// What a client prints: milliseconds over all devices, one per round.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Measured {
    pub cold_cpu: Vec<f64>,
    pub cold_wall: Vec<f64>,
    pub warm_cpu: Vec<f64>,
    pub warm_wall: Vec<f64>,
    /// Interfaces in all answers of one cold round; and in the last ones of the warm sessions.
    pub interfaces: [usize; 2],
    /// Bytes of the answers of one cold round.
    pub bytes: usize,
    /// What else is worth to be known.
    #[serde(default)]
    pub remarks: BTreeMap<String, String>,
}

/// How a measurement ends: processor time of this process, wall time, and what the work gave.
pub async fn timed<T>(work: impl Future<Output = T>) -> (T, f64, f64) {
    let (wall, cpu) = (Instant::now(), processor());
    let done = work.await;
    let cpu = processor().saturating_sub(cpu);
    (done, millis(cpu), millis(wall.elapsed()))
}

/// User and system time of all threads of this process.
fn processor() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// One round of cold questions.
pub fn cold(measured: &mut Measured, (answers, cpu, wall): (Vec<Vec<u8>>, f64, f64)) {
    measured.cold_cpu.push(cpu);
    measured.cold_wall.push(wall);
    measured.interfaces[0] = interfaces(&answers);
    measured.bytes = answers.iter().map(Vec::len).sum();
}

/// One round of warm questions; with each device's last answer.
pub fn warm(measured: &mut Measured, (answers, cpu, wall): (Vec<Vec<u8>>, f64, f64)) {
    measured.warm_cpu.push(cpu);
    measured.warm_wall.push(wall);
    measured.interfaces[1] = interfaces(&answers);
}

/// Every interface has one type, in XML as in JSON.
fn interfaces(answers: &[Vec<u8>]) -> usize {
    let count = |answer: &Vec<u8>| {
        let text = String::from_utf8_lossy(answer);
        text.matches("<type").count() + text.matches("\"type\"").count()
    };
    answers.iter().map(count).sum()
}
