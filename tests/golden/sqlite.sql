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

-- one record by its key
SELECT "guild_id", "user_id", "payload", "last_updated" FROM "members" WHERE "guild_id" = ? AND "user_id" = ?
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
SELECT "guild_id", "user_id", "guild_id", "user_id" FROM "members" WHERE (("guild_id" > ?) OR ("guild_id" = ? AND
"user_id" > ?)) AND "guild_id" >= ? ORDER BY "guild_id", "user_id" LIMIT 2
    [1, 1, 7, 1]

-- the next page within a guild
SELECT "guild_id", "user_id", "user_id" FROM "members" WHERE "guild_id" = ? AND "user_id" > ? ORDER BY "user_id" LIMIT
2
    [1, 7]

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

-- pairs that belong
SELECT COUNT(*) FROM "members" WHERE ("guild_id", "user_id") IN (SELECT "guild_id", "user_id" FROM "members")
    []
