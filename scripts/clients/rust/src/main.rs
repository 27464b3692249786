//! Follows a video: cargo run -- http://127.0.0.1:8080/v1/videos/final/events
//!
//! Over eventsource-stream, with the way back written here: reqwest-eventsource and eventsource-client do it by
//! themselves, and end for good, or wait for long, where this goes on.
use eventsource_stream::Eventsource;
use futures::StreamExt;
use serde_json::Value;
use std::{collections::HashMap, time::Duration};

#[derive(Default)]
struct Video {
    comments: HashMap<String, String>,
}

impl Video {
    fn show(&mut self, event: &str, said: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let list = match event {
            "snapshot" => said["comments"].as_array().cloned().unwrap_or_default(),
            "comment" => vec![said.clone()],
            _ => vec![],
        };
        match event {
            // Absolute: the newest is the truth.
            "snapshot" | "likes" => println!("total {}", said["totals"]["heart"].as_u64().unwrap_or(0)),
            "retract" => drop(self.comments.remove(&text(&said["id"]))),
            "reset" => println!("missed some"), // a snapshot follows
            _ => {}
        }
        for comment in list {
            // Each once, also after a resumption.
            if self.comments.insert(text(&comment["id"]), text(&comment["text"])).is_none() {
                println!("comment {}", text(&comment["text"]));
            }
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let url = std::env::args().nth(1).expect("the address of a stream");
    // Ovation is silent for --beat at most, 15 s.
    let http = reqwest::Client::builder().read_timeout(Duration::from_secs(45)).build().unwrap();
    let (mut last, mut wait) = (String::new(), Duration::from_secs(2));
    let mut video = Video::default();
    loop {
        let mut ask = http.get(&url).header("accept", "text/event-stream");
        if !last.is_empty() {
            ask = ask.header("last-event-id", &last);
        }
        if let Ok(answer) = ask.send().await.and_then(|answer| answer.error_for_status()) {
            let mut events = answer.bytes_stream().eventsource();
            while let Some(Ok(event)) = events.next().await {
                wait = event.retry.unwrap_or(wait);
                video.show(&event.event, &serde_json::from_str(&event.data).unwrap_or_default());
                if !event.id.is_empty() {
                    last = event.id;
                }
            }
        }
        tokio::time::sleep(wait).await; // Ovation draws `retry` for each stream anew
    }
}
