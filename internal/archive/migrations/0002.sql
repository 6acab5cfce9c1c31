alter table volley_jobs add column enqueued_by text, add column history jsonb;
