create table volley_jobs (
	job_id       uuid primary key,
	via          text not null,
	accounts     text[] not null,
	sender       text,
	text         text,
	fields       text[] not null,
	label        text,
	state        text not null,
	reason       text,
	created_at   timestamptz not null,
	schedule_at  timestamptz,
	completed_at timestamptz,
	total        bigint not null,
	refused      bigint not null,
	duplicates   bigint not null
);
create index volley_jobs_created on volley_jobs (created_at);
create index volley_jobs_label on volley_jobs (label) where label is not null;

create table volley_batches (
	job_id     uuid not null references volley_jobs on delete cascade,
	batch      integer not null,
	version    bigint not null,
	carried_at timestamptz not null default now(),
	primary key (job_id, batch)
);

create table volley_outcomes (
	job_id              uuid not null,
	batch               integer not null,
	position            integer not null,
	version             bigint not null,
	msisdn              text,
	ref                 text,
	row_no              bigint not null,
	status              text not null,
	account             text,
	provider_message_id text,
	code                text,
	detail              text,
	attempts            smallint not null,
	history             jsonb,
	updated_at          timestamptz not null,
	primary key (job_id, batch, position)
);
create index volley_outcomes_msisdn on volley_outcomes (msisdn) where msisdn is not null;
