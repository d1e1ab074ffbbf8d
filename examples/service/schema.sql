-- What sqlstore does not keep. Each statement leaves alone what is there: a change to a table that is in use is one for a
-- tool that migrates.
CREATE TABLE IF NOT EXISTS people (
	name TEXT PRIMARY KEY,
	hash TEXT NOT NULL, -- of the password
	admin BOOLEAN NOT NULL,
	disabled BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE TABLE IF NOT EXISTS teams (
	id TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	founder TEXT NOT NULL REFERENCES people (name) -- whose room it takes
);
CREATE INDEX IF NOT EXISTS teams_founder ON teams (founder);
CREATE TABLE IF NOT EXISTS members (
	team TEXT NOT NULL REFERENCES teams (id),
	name TEXT NOT NULL REFERENCES people (name),
	role TEXT NOT NULL,
	PRIMARY KEY (team, name)
);
CREATE INDEX IF NOT EXISTS members_name ON members (name);
CREATE TABLE IF NOT EXISTS programs (
	id TEXT PRIMARY KEY,
	team TEXT NOT NULL REFERENCES teams (id),
	name TEXT NOT NULL,
	role TEXT NOT NULL,
	secret TEXT NOT NULL -- its hash
);
CREATE INDEX IF NOT EXISTS programs_team ON programs (team);
CREATE TABLE IF NOT EXISTS notes (
	id INTEGER PRIMARY KEY AUTOINCREMENT, -- which is never that of a note that was deleted
	team TEXT NOT NULL REFERENCES teams (id),
	author TEXT NOT NULL, -- a person, or a program that may be gone
	text TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS notes_team ON notes (team, id);
