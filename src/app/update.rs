//! The one way in: an event changes the state and says what is to be done outside.

use super::effect::Effect;
use super::event::AppEvent;
use super::state::App;

/// Takes in an event and returns what is to be done outside.
pub fn update(app: &mut App, event: AppEvent) -> Vec<Effect> {
    let before = app.goal_stamp();
    match event {
        AppEvent::Time(now) => app.now = app.now.max(now),
        AppEvent::Input(input) => app.input(input),
        AppEvent::Resized(size) => app.screen.size = size,
        AppEvent::Canvas(canvas) => app.set_canvas(canvas),
        AppEvent::Engine(event) => app.engine_event(event),
        AppEvent::Probabilities { lane, at, values } => app.training.probabilities = Some((lane, at, values)),
        AppEvent::Opened(Ok(opened)) => app.opened_or_lost(opened),
        AppEvent::Opened(Err(problem)) => app.open_failed(problem),
        AppEvent::Saved { path, mark, result, file } => app.saved(path, mark, result, file),
        AppEvent::FolderListed { folder, result } => app.folder_listed(folder, result),
        AppEvent::Inspected(found) => app.inspected(*found),
        AppEvent::ThumbnailMade(location, made) => app.thumbnail_made(location, made),
        AppEvent::FeatureComputed(request, result) => app.feature_computed(request, result),
        AppEvent::Job(id, event) => app.job_event(id, event),
        AppEvent::Access(access) => app.accessed(access),
        AppEvent::Recent(list) => app.files.recent = list,
        AppEvent::Run(id, event) => app.run_event(id, event),
        AppEvent::ImagesFound(named, found) => app.batch_images_found(named, found),
        AppEvent::Visited(Ok(visited)) => app.visit(*visited),
        AppEvent::Visited(Err(problem)) => app.problem(problem),
        AppEvent::ResultRead(read, part) => app.result_read(read, part),
        AppEvent::Deleted(count, failed) => app.exported_deleted(count, failed),
        AppEvent::PictureSaved { path, result } => app.picture_saved(path, result),
        AppEvent::FeatureCost(revision, cost) => app.cost_measured(revision, cost),
        AppEvent::Link(link) => app.link = link,
        AppEvent::Problem(problem) => app.problem(problem),
        AppEvent::Terminate => app.outbox.push(Effect::Quit),
    }
    app.settle_training();
    app.keep_table_cursor();
    app.refresh_histogram();
    app.ask_for_features();
    app.ask_for_cost();
    app.ask_for_result();
    if app.goal_stamp() != before {
        app.refresh_goal_parts();
        app.outbox.push(Effect::Goal);
    }
    std::mem::take(&mut app.outbox)
}
