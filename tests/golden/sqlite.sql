CREATE TABLE IF NOT EXISTS "persist_meta" ("name" TEXT NOT NULL, "value" TEXT, PRIMARY KEY ("name"))

CREATE TABLE IF NOT EXISTS "completeness" ("guild_id" INTEGER NOT NULL, "kind" TEXT NOT NULL, "state" TEXT, "payload"
TEXT NOT NULL, "source" TEXT, "shard" INTEGER, "epoch" INTEGER, "last_updated" DATETIME, "first_seen" DATETIME,
"revision" INTEGER, PRIMARY KEY ("guild_id", "kind"))

CREATE TABLE IF NOT EXISTS "invites" ("code" TEXT NOT NULL, "guild_id" INTEGER, "channel_id" INTEGER, "inviter_id"
INTEGER, "uses" INTEGER, "max_uses" INTEGER, "is_temporary" BOOLEAN, "created_at" DATETIME, "expires_at" DATETIME,
"payload" TEXT NOT NULL, "source" TEXT, "shard" INTEGER, "epoch" INTEGER, "last_updated" DATETIME, "first_seen"
DATETIME, "revision" INTEGER, PRIMARY KEY ("code"))

CREATE INDEX "invites_by_guild_id" ON "invites" ("guild_id", "code")

CREATE INDEX "invites_by_channel_id" ON "invites" ("channel_id", "code")

CREATE INDEX "invites_by_expires_at" ON "invites" ("expires_at", "code")

CREATE INDEX "invites_by_inviter_id" ON "invites" ("inviter_id", "code")

ALTER TABLE "messages" ADD COLUMN "has_attachments" BOOLEAN

INSERT INTO "completeness" ("guild_id", "kind", "state", "payload", "source", "shard", "epoch", "last_updated",
"first_seen", "revision") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT ("guild_id", "kind") DO UPDATE SET "state"
= excluded."state", "payload" = excluded."payload", "source" = excluded."source", "shard" = excluded."shard", "epoch"
= excluded."epoch", "last_updated" = excluded."last_updated", "revision" = "completeness"."revision" + 1 WHERE
"completeness"."payload" IS NOT excluded."payload"
    [1, 'members', "it's a\\b %s ?", '{"kind":"members","state":"it\'s a\\\\b %s ?"}', 'gateway', 3, 1700000000000001,
'2024-05-06 07:00:01.000001', '2024-05-06 07:00:01.000001', 1]

INSERT INTO "completeness" ("guild_id", "kind", "state", "payload", "source", "shard", "epoch", "last_updated",
"first_seen", "revision") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT ("guild_id", "kind") DO UPDATE SET "state"
= excluded."state", "payload" = excluded."payload", "source" = excluded."source", "shard" = excluded."shard", "epoch"
= excluded."epoch", "last_updated" = excluded."last_updated", "revision" = "completeness"."revision" + 1 WHERE
"completeness"."payload" IS NOT excluded."payload"
    [1, 'a\x00\x01\x02', "it's a\\b %s ?", '{"kind":"a\\u0000\\u0001\\u0002","state":"it\'s a\\\\b %s ?"}', 'gateway',
3, 1700000000000001, '2024-05-06 07:00:01.000001', '2024-05-06 07:00:01.000001', 1]

INSERT INTO "completeness" ("source", "shard", "epoch", "last_updated", "first_seen", "revision", "guild_id", "kind",
"state", "payload") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?, ?, ?, ?), (?1, ?2, ?3, ?4, ?5, ?6, ?, ?, ?, ?), (?1, ?2, ?3,
?4, ?5, ?6, ?, ?, ?, ?), (?1, ?2, ?3, ?4, ?5, ?6, ?, ?, ?, ?), (?1, ?2, ?3, ?4, ?5, ?6, ?, ?, ?, ?), (?1, ?2, ?3, ?4,
?5, ?6, ?, ?, ?, ?), (?1, ?2, ?3, ?4, ?5, ?6, ?, ?, ?, ?), (?1, ?2, ?3, ?4, ?5, ?6, ?, ?, ?, ?) ON CONFLICT
("guild_id", "kind") DO UPDATE SET "state" = excluded."state", "payload" = excluded."payload", "source" =
excluded."source", "shard" = excluded."shard", "epoch" = excluded."epoch", "last_updated" = excluded."last_updated",
"revision" = "completeness"."revision" + 1 WHERE "completeness"."payload" IS NOT excluded."payload"
    ['gateway', 3, 1700000000000001, '2024-05-06 07:00:01.000001', '2024-05-06 07:00:01.000001', 1, 1, 'a', 's',
'{"kind":"a","state":"s"}', 1, 'b', 's', '{"kind":"b","state":"s"}', 1, 'c', 's', '{"kind":"c","state":"s"}', 1, 'd',
's', '{"kind":"d","state":"s"}', 1, 'e', 's', '{"kind":"e","state":"s"}', 1, 'f', 's', '{"kind":"f","state":"s"}', 1,
'g', 's', '{"kind":"g","state":"s"}', 1, 'h', 's', '{"kind":"h","state":"s"}']

SELECT "value" FROM "persist_meta" WHERE "name" = 'search'

DROP TRIGGER IF EXISTS "persist_search_messages_of"

DROP TABLE IF EXISTS "persist_search_messages_index"

DROP TABLE IF EXISTS "persist_search_messages"

CREATE TABLE "persist_search_messages" ("docid" INTEGER PRIMARY KEY, "id" INTEGER NOT NULL, "words" TEXT NOT NULL,
"terms" TEXT NOT NULL, UNIQUE ("id"))

CREATE VIRTUAL TABLE "persist_search_messages_index" USING fts5 ("terms", content='persist_search_messages',
content_rowid='docid', tokenize="ascii tokenchars '_'", detail=none, columnsize=0)

CREATE TRIGGER "persist_search_messages_new" AFTER INSERT ON "persist_search_messages" BEGIN INSERT INTO
"persist_search_messages_index" (rowid, "terms") VALUES (NEW."docid", NEW."terms"); END

CREATE TRIGGER "persist_search_messages_changed" AFTER UPDATE OF "terms" ON "persist_search_messages" BEGIN INSERT
INTO "persist_search_messages_index" ("persist_search_messages_index", rowid, "terms") VALUES ('delete', OLD."docid",
OLD."terms"); INSERT INTO "persist_search_messages_index" (rowid, "terms") VALUES (NEW."docid", NEW."terms"); END

CREATE TRIGGER "persist_search_messages_gone" AFTER DELETE ON "persist_search_messages" BEGIN INSERT INTO
"persist_search_messages_index" ("persist_search_messages_index", rowid, "terms") VALUES ('delete', OLD."docid",
OLD."terms"); END

CREATE TRIGGER "persist_search_messages_of" AFTER DELETE ON "messages" BEGIN DELETE FROM "persist_search_messages"
WHERE "id" = OLD."id"; END

DROP TRIGGER IF EXISTS "persist_search_members_of"

DROP TABLE IF EXISTS "persist_search_members_index"

DROP TABLE IF EXISTS "persist_search_members"

CREATE TABLE "persist_search_members" ("docid" INTEGER PRIMARY KEY, "guild_id" INTEGER NOT NULL, "user_id" INTEGER NOT
NULL, "words" TEXT NOT NULL, "terms" TEXT NOT NULL, UNIQUE ("guild_id", "user_id"))

CREATE VIRTUAL TABLE "persist_search_members_index" USING fts5 ("terms", content='persist_search_members',
content_rowid='docid', tokenize="ascii tokenchars '_'", detail=none, columnsize=0)

CREATE TRIGGER "persist_search_members_new" AFTER INSERT ON "persist_search_members" BEGIN INSERT INTO
"persist_search_members_index" (rowid, "terms") VALUES (NEW."docid", NEW."terms"); END

CREATE TRIGGER "persist_search_members_changed" AFTER UPDATE OF "terms" ON "persist_search_members" BEGIN INSERT INTO
"persist_search_members_index" ("persist_search_members_index", rowid, "terms") VALUES ('delete', OLD."docid",
OLD."terms"); INSERT INTO "persist_search_members_index" (rowid, "terms") VALUES (NEW."docid", NEW."terms"); END

CREATE TRIGGER "persist_search_members_gone" AFTER DELETE ON "persist_search_members" BEGIN INSERT INTO
"persist_search_members_index" ("persist_search_members_index", rowid, "terms") VALUES ('delete', OLD."docid",
OLD."terms"); END

CREATE TRIGGER "persist_search_members_of" AFTER DELETE ON "members" BEGIN DELETE FROM "persist_search_members" WHERE
"guild_id" = OLD."guild_id" AND "user_id" = OLD."user_id"; END

DELETE FROM "persist_search_messages" WHERE "id" = ?
    [2]

INSERT INTO "persist_search_messages" ("id", "words", "terms") VALUES (?, ?, ?) ON CONFLICT ("id") DO UPDATE SET
"words" = excluded."words", "terms" = excluded."terms" WHERE "persist_search_messages"."words" IS NOT excluded."words"
    [1, '\n it s a red panda 熊 \n', 'it s a red panda _718a']

-- one record by its key
SELECT "guild_id", "user_id", "payload", "last_updated" FROM "members" WHERE "guild_id" = ? AND "user_id" = ?
    [1, 2]

-- one record with its parts
SELECT "guild_id", "user_id", "payload", "last_updated", "source", "shard", "epoch", "first_seen", "revision",
"part0_guild_id", "part0_user_id", "part0_payload", "part0_last_updated", "part1_id", "part1_payload",
"part1_last_updated" FROM "voice_states" LEFT JOIN (SELECT "guild_id" AS "part0_guild_id", "user_id" AS
"part0_user_id", "payload" AS "part0_payload", "last_updated" AS "part0_last_updated" FROM "members") AS "part0" ON
"part0_guild_id" = "voice_states"."guild_id" AND "part0_user_id" = "voice_states"."user_id" LEFT JOIN (SELECT "id" AS
"part1_id", "payload" AS "part1_payload", "last_updated" AS "part1_last_updated" FROM "users") AS "part1" ON
"part1_id" = "part0_user_id" WHERE "guild_id" = ? AND "user_id" = ?
    [1, 2]

-- with its history
SELECT "id", "payload", "last_updated", "source", "shard", "epoch", "first_seen", "revision" FROM "users" WHERE "id" =
?
    [1]

-- records by their keys
SELECT "id" FROM "users" WHERE "id" IN (?, ?)
    [1, 2]

-- by keys of two parts
SELECT "guild_id", "user_id" FROM "members" WHERE (("guild_id" = ? AND "user_id" IN (?, ?)) OR ("guild_id" = ? AND
"user_id" = ?))
    [1, 2, 3, 4, 5]

-- by keys that are texts
SELECT "code", "guild_id" FROM "invites" WHERE "code" IN (?, ?)
    ['a', "it's\x00"]

-- the first page
SELECT "id", "guild_id", "id" FROM "messages" WHERE "guild_id" = ? ORDER BY "id" LIMIT 2
    [1]

-- the next page by key
SELECT "id", "guild_id", "id" FROM "messages" WHERE "guild_id" = ? AND "id" > ? ORDER BY "id" LIMIT 2
    [1, 7]

-- the next page by a key of two parts
SELECT "guild_id", "user_id", "guild_id", "user_id" FROM "members" WHERE ("guild_id", "user_id") > (?, ?) ORDER BY
"guild_id", "user_id" LIMIT 2
    [1, 7]

-- the next page within a guild
SELECT "guild_id", "user_id", "user_id" FROM "members" WHERE "guild_id" = ? AND "user_id" > ? ORDER BY "user_id" LIMIT
2
    [1, 7]

-- the next page where a guild is wanted
SELECT "guild_id", "user_id", "user_id" FROM "members" WHERE "guild_id" = ? AND "user_id" > ? ORDER BY "user_id" LIMIT
2
    [1, 7]

-- the next page, sorted by a column and then by a key of two parts
SELECT "guild_id", "user_id", "joined_at", "guild_id", "user_id" FROM "members" WHERE (("joined_at" > ?) OR
("joined_at" = ? AND ("guild_id", "user_id") > (?, ?))) AND "joined_at" >= ? ORDER BY "joined_at", "guild_id",
"user_id" LIMIT 2
    ['2024-01-01 00:00:00.000000', '2024-01-01 00:00:00.000000', 1, 7, '2024-01-01 00:00:00.000000']

-- the next page, sorted up
SELECT "id", "username", "id" FROM "users" WHERE (("username" > ?) OR ("username" = ? AND "id" > ?)) AND "username" >=
? ORDER BY "username", "id" LIMIT 2
    ['a', 'a', 7, 'a']

-- the next page, sorted down
SELECT "id", "guild_id", "edited_timestamp", "id" FROM "messages" WHERE ((("edited_timestamp" < ? OR
"edited_timestamp" IS NULL)) OR ("edited_timestamp" = ? AND "id" < ?)) ORDER BY "edited_timestamp" DESC, "id" DESC
LIMIT 2
    ['2024-01-01 00:00:00.000000', '2024-01-01 00:00:00.000000', 7]

-- the next page, after NULL
SELECT "id", "username", "id" FROM "users" WHERE (("username" IS NOT NULL) OR ("username" IS NULL AND "id" > ?)) ORDER
BY "username", "id" LIMIT 2
    [7]

-- a count
SELECT COUNT(*) FROM "users" WHERE NOT COALESCE(instr("username", ?) > 0, FALSE) AND (("flags" & ?) = ? OR (("id" >>
22) % ?) = ?) AND (("username" >= ? AND "username" < ?) AND "global_name" IS NULL) AND (1 = 0)
    ['50%', 4, 4, 2, 1, 'ab', 'ac']

-- what belongs
SELECT COUNT(*) FROM "messages" WHERE "channel_id" IN (SELECT "id" FROM "threads" WHERE "parent_id" IN (SELECT "id"
FROM "channels" WHERE "name" = ?)) AND "timestamp" >= ?
    ['a', '2024-01-01 00:00:00.000000']

-- what messages say
SELECT "id", "guild_id", "id" FROM "messages" WHERE "guild_id" = ? AND "id" IN (SELECT "id" FROM
"persist_search_messages" WHERE "docid" IN (SELECT rowid FROM "persist_search_messages_index" WHERE
"persist_search_messages_index" MATCH ?) AND instr("words", ?) > 0 AND instr("words", ?) > 0 AND instr("words", ?) >
0) AND NOT COALESCE("id" IN (SELECT "id" FROM "persist_search_messages" WHERE "docid" IN (SELECT rowid FROM
"persist_search_messages_index" WHERE "persist_search_messages_index" MATCH ?) AND instr("words", ?) > 0), FALSE)
ORDER BY "id" DESC LIMIT 2
    [1, '"red" AND "pan"* AND "_718a"', ' red ', ' pan', ' 熊 ', '"red" AND "panda"', ' red panda ']

-- what people are called
SELECT COUNT(*) FROM "members" WHERE (("guild_id", "user_id") IN (SELECT "guild_id", "user_id" FROM
"persist_search_members" WHERE "docid" IN (SELECT rowid FROM "persist_search_members_index" WHERE
"persist_search_members_index" MATCH ?) AND instr("words", ?) > 0) OR "user_id" IN (SELECT "id" FROM "users" WHERE
"id" IN (SELECT "id" FROM "persist_search_users" WHERE "docid" IN (SELECT rowid FROM "persist_search_users_index"
WHERE "persist_search_users_index" MATCH ?) AND instr("words", ?) > 0 AND instr("words", ?) > 0)))
    ['"nat" AND "ali" AND "lia"', 'natalia', '"al"* AND "_e9"*', '\n al', 'é']

-- pairs that belong
SELECT COUNT(*) FROM "members" WHERE ("guild_id", "user_id") IN (SELECT "guild_id", "user_id" FROM "members")
    []
