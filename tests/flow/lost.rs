//! The network takes a write or its answer: nobody knows what happened until the twin is read back. Nothing is sent
//! twice.

use edgedeck::audit::{Body, Entry, State, Verdict};
use serde_json::json;

use crate::harness::{Console, FILTER, Stage};
use crate::wiretap::Trick;

async fn send(stage: &Stage, trick: Trick) -> Console {
    let mut console = stage.console();
    console.opens_the_filters_twin().await;
    console.edits_the_threshold("30.0").await;
    console.press("ctrl-s").await;
    console.wiretap.play(trick);
    console.confirms().await;
    console.sees("it may have happened. Reading back").await;
    console
}

fn verdicts(entry: &Entry) -> Vec<Verdict> {
    let verdict = |body: &Body| match body {
        Body::Outcome(outcome) => outcome.result.clone(),
        other => panic!("{other:?}"),
    };
    entry.outcomes.iter().map(|record| verdict(&record.body)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_is_lost_is_found_by_reading_back() {
    let stage = Stage::set().await;
    let mut console = send(&stage, Trick::LoseAnswer).await;
    console.sees(&format!("{FILTER} is applied: desired v2 -> v3")).await;
    console.sees("desired   v3").await;
    assert_eq!(console.wiretap.writes().len(), 1, "nothing is sent twice");
    assert_eq!(stage.outside.twin(FILTER).await["properties"]["desired"]["$version"], json!(3));
    let audited = stage.audited();
    let verdicts = verdicts(&audited[0]);
    assert!(matches!(verdicts[0], Verdict::Unknown { .. }), "{verdicts:?}");
    assert!(matches!(verdicts[1], Verdict::Resolved { happened: true, .. }), "{verdicts:?}");
    assert_eq!((audited.len(), verdicts.len(), audited[0].state()), (1, 2, State::Resolved));
    console.flush();
    assert!(stage.drafts().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_never_arrived_is_said_not_to_have_taken_effect() {
    let stage = Stage::set().await;
    let mut console = send(&stage, Trick::LoseRequest).await;
    console.sees("did not take effect").await;
    console.sees("EDITING").await;
    assert!(console.screen().contains("\"temperatureThreshold\": 30.0"), "what was typed is still there");
    assert_eq!(console.wiretap.writes().len(), 1, "nothing is sent again by itself");
    assert_eq!(stage.outside.twin(FILTER).await["properties"]["desired"]["temperatureThreshold"], json!(25.0));
    let verdicts = verdicts(&stage.audited()[0]);
    assert!(
        matches!(verdicts[..], [Verdict::Unknown { .. }, Verdict::Resolved { happened: false, .. }]),
        "{verdicts:?}"
    );

    // Sending it again is the operator's to decide, and goes through.
    console.press("ctrl-s").await;
    console.confirms().await;
    console.sees("desired   v3").await;
}

/// Mine was there for a moment: the twin cannot tell, and so nobody claims that the hub refused it or that it was lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_was_written_over_before_anybody_looked_is_not_judged() {
    let stage = Stage::set().await;
    let mut console = send(&stage, Trick::LoseAnswerAndWriteOver).await;
    console.sees("BOTH CHANGED IT").await;
    console.sees("nobody can tell whether yours took effect").await;
    let row = console.row("/temperatureThreshold");
    assert!(row.contains("28.0") && row.contains("30.0"), "{row}");
    assert_eq!(console.wiretap.writes().len(), 1, "nothing is sent twice");
    let audited = stage.audited();
    let verdicts = verdicts(&audited[0]);
    assert!(matches!(verdicts[..], [Verdict::Unknown { .. }, Verdict::Undecidable { .. }]), "{verdicts:?}");
    assert_eq!(audited[0].state(), State::Unknown);
    console.flush();
    assert!(stage.drafts().concat().contains("30.0"), "nothing typed is lost");
    console.command("audit").await;
    console.sees("UNDECIDABLE: no answer").await;
    for said in ["The hub answered 412", "412: ", "Nothing was overwritten", "did not take effect"] {
        assert!(!console.all_frames().iter().any(|frame| frame.contains(said)), "{said:?} is more than anybody knows");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_in_whose_place_somebody_else_wrote_is_said_not_to_have_taken_effect() {
    let stage = Stage::set().await;
    let mut console = send(&stage, Trick::WriteInstead).await;
    console.sees("BOTH CHANGED IT").await;
    console.sees("yours did not take effect: somebody else changed this twin").await;
    assert!(!console.screen().contains("412"), "{}", console.screen());
    let verdicts = verdicts(&stage.audited()[0]);
    assert!(
        matches!(verdicts[..], [Verdict::Unknown { .. }, Verdict::Resolved { happened: false, .. }]),
        "{verdicts:?}"
    );
}

/// The twin's tags have changed and its desired properties have not: there is no second change to show beside mine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_tags_only_is_said_to_be_one() {
    let stage = Stage::set().await;
    let mut console = stage.console();
    console.opens_the_filters_twin().await;
    console.edits_the_threshold("30.0").await;
    console.press("ctrl-s").await;
    console.wiretap.play(Trick::TagsBefore);
    console.confirms().await;
    console.sees("The hub answered 412").await;
    console.sees("They changed tags only").await;
    console.command("messages").await;
    console.sees("they changed tags only").await;
    assert!(!console.screen().contains("both changes are shown"), "{}", console.screen());
}
