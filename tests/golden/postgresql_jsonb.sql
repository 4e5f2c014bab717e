CREATE TABLE IF NOT EXISTS "persist_meta" ("name" TEXT COLLATE "C" NOT NULL, "value" TEXT COLLATE "C", PRIMARY KEY
("name"))

COMMENT ON TABLE "persist_meta" IS 'What this database is: persist''s, of which version, of which application.'

CREATE TABLE IF NOT EXISTS "completeness" ("guild_id" BIGINT NOT NULL, "kind" TEXT COLLATE "C" NOT NULL, "state" TEXT
COLLATE "C", "payload" JSONB NOT NULL, "source" TEXT COLLATE "C", "shard" BIGINT, "epoch" BIGINT, "last_updated"
TIMESTAMPTZ, "first_seen" TIMESTAMPTZ, "revision" BIGINT, PRIMARY KEY ("guild_id", "kind"))

COMMENT ON TABLE "completeness" IS 'How completely each kind is known in each guild.'

CREATE TABLE IF NOT EXISTS "invites" ("code" TEXT COLLATE "C" NOT NULL, "guild_id" BIGINT, "channel_id" BIGINT,
"inviter_id" BIGINT, "uses" BIGINT, "max_uses" BIGINT, "is_temporary" BOOLEAN, "created_at" TIMESTAMPTZ, "expires_at"
TIMESTAMPTZ, "payload" JSONB NOT NULL, "source" TEXT COLLATE "C", "shard" BIGINT, "epoch" BIGINT, "last_updated"
TIMESTAMPTZ, "first_seen" TIMESTAMPTZ, "revision" BIGINT, PRIMARY KEY ("code"))

CREATE INDEX "invites_by_guild_id" ON "invites" ("guild_id" NULLS FIRST, "code")

CREATE INDEX "invites_by_channel_id" ON "invites" ("channel_id" NULLS FIRST, "code")

CREATE INDEX "invites_by_expires_at" ON "invites" ("expires_at" NULLS FIRST, "code")

CREATE INDEX "invites_by_inviter_id" ON "invites" ("inviter_id" NULLS FIRST, "code")

COMMENT ON TABLE "invites" IS 'Invites that were created while the bot was connected and may manage the channel, or
that REST has listed.'

ALTER TABLE "messages" ADD COLUMN "has_attachments" BOOLEAN

INSERT INTO "completeness" AS stored ("guild_id", "kind", "state", "payload", "source", "shard", "epoch",
"last_updated", "first_seen", "revision") SELECT v1, v2, v3, v4::text::jsonb, $5::text, $6::bigint, $7::bigint,
$8::text::text::timestamptz, $9::text::text::timestamptz, $10::bigint FROM unnest($1::bigint[], $2::text[],
$3::text[], $4::text[]) AS given (v1, v2, v3, v4) WHERE NOT EXISTS (SELECT FROM "completeness" AS known WHERE
known."guild_id" = v1 AND known."kind" = v2 AND known."payload" = v4::text::jsonb) ON CONFLICT ("guild_id", "kind") DO
UPDATE SET "state" = excluded."state", "payload" = excluded."payload", "source" = excluded."source", "shard" =
excluded."shard", "epoch" = excluded."epoch", "last_updated" = excluded."last_updated", "revision" = stored."revision"
+ 1 WHERE stored."payload" IS DISTINCT FROM excluded."payload"
    [(1, 1), ['members', 'a\x01\x01\x01\x02\x01\x01\x02\x02\x01\x02\x02\x02'], ["it's a\\b %s ?", "it's a\\b %s ?"],
['{"kind":"members","state":"it\'s a\\\\b %s ?"}', '{"kind":"a\\u0001\\u0001\\u0001\\u0002\\u0002","state":"it\'s
a\\\\b %s ?"}'], 'gateway', 3, 1700000000000001, '2024-05-06 07:00:01.000001', '2024-05-06 07:00:01.000001', 1]

INSERT INTO "completeness" AS stored ("guild_id", "kind", "state", "payload", "source", "shard", "epoch",
"last_updated", "first_seen", "revision") SELECT v1, v2, v3, v4::text::jsonb, $5::text, $6::bigint, $7::bigint,
$8::text::text::timestamptz, $9::text::text::timestamptz, $10::bigint FROM unnest($1::bigint[], $2::text[],
$3::text[], $4::text[]) AS given (v1, v2, v3, v4) WHERE NOT EXISTS (SELECT FROM "completeness" AS known WHERE
known."guild_id" = v1 AND known."kind" = v2 AND known."payload" = v4::text::jsonb) ON CONFLICT ("guild_id", "kind") DO
UPDATE SET "state" = excluded."state", "payload" = excluded."payload", "source" = excluded."source", "shard" =
excluded."shard", "epoch" = excluded."epoch", "last_updated" = excluded."last_updated", "revision" = stored."revision"
+ 1 WHERE stored."payload" IS DISTINCT FROM excluded."payload"
    [(1, 1, 1, 1, 1, 1, 1, 1), ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), ['s', 's', 's', 's', 's', 's', 's', 's'],
['{"kind":"a","state":"s"}', '{"kind":"b","state":"s"}', '{"kind":"c","state":"s"}', '{"kind":"d","state":"s"}',
'{"kind":"e","state":"s"}', '{"kind":"f","state":"s"}', '{"kind":"g","state":"s"}', '{"kind":"h","state":"s"}'],
'gateway', 3, 1700000000000001, '2024-05-06 07:00:01.000001', '2024-05-06 07:00:01.000001', 1]

SELECT "value" FROM "persist_meta" WHERE "name" = 'search' FOR SHARE

DROP TABLE IF EXISTS "persist_search_messages"

CREATE TABLE IF NOT EXISTS "persist_search_messages" ("id" BIGINT NOT NULL, "words" TEXT COLLATE "C" NOT NULL, "terms"
TEXT COLLATE "C" NOT NULL, PRIMARY KEY ("id"))

COMMENT ON TABLE "persist_search_messages" IS 'What messages can be searched for: made by persist, which makes it anew
when it is gone.'

ALTER TABLE "persist_search_messages" ADD FOREIGN KEY ("id") REFERENCES "messages" ("id") ON DELETE CASCADE

CREATE INDEX "persist_search_messages_terms" ON "persist_search_messages" USING gin
(array_to_tsvector(string_to_array("terms", ' ')))

DROP TABLE IF EXISTS "persist_search_members"

CREATE TABLE IF NOT EXISTS "persist_search_members" ("guild_id" BIGINT NOT NULL, "user_id" BIGINT NOT NULL, "words"
TEXT COLLATE "C" NOT NULL, "terms" TEXT COLLATE "C" NOT NULL, PRIMARY KEY ("guild_id", "user_id"))

COMMENT ON TABLE "persist_search_members" IS 'What members can be searched for: made by persist, which makes it anew
when it is gone.'

ALTER TABLE "persist_search_members" ADD FOREIGN KEY ("guild_id", "user_id") REFERENCES "members" ("guild_id",
"user_id") ON DELETE CASCADE

CREATE INDEX "persist_search_members_terms" ON "persist_search_members" USING gin
(array_to_tsvector(string_to_array("terms", ' ')))

DELETE FROM "persist_search_messages" WHERE "id" = $1
    [2]

INSERT INTO "persist_search_messages" AS stored ("id", "words", "terms") SELECT v1, v2, v3 FROM unnest($1::bigint[],
$2::text[], $3::text[]) AS given (v1, v2, v3) WHERE NOT EXISTS (SELECT FROM "persist_search_messages" AS known WHERE
known."id" = v1 AND known."words" = v2) ON CONFLICT ("id") DO UPDATE SET "words" = excluded."words", "terms" =
excluded."terms" WHERE stored."words" IS DISTINCT FROM excluded."words"
    [(1,), ('\n it s a red panda 熊 \n',), ('it s a red panda _718a',)]

-- one record by its key
SELECT "guild_id", "user_id", "payload"::text, to_char("last_updated", 'YYYY-MM-DD HH24:MI:SS.US') FROM "members"
WHERE "guild_id" = $1 AND "user_id" = $2
    [1, 2]

-- one record with its parts
SELECT "guild_id", "user_id", "payload"::text, to_char("last_updated", 'YYYY-MM-DD HH24:MI:SS.US'), "source", "shard",
"epoch", to_char("first_seen", 'YYYY-MM-DD HH24:MI:SS.US'), "revision", "part0_guild_id", "part0_user_id",
"part0_payload"::text, to_char("part0_last_updated", 'YYYY-MM-DD HH24:MI:SS.US'), "part1_id", "part1_payload"::text,
to_char("part1_last_updated", 'YYYY-MM-DD HH24:MI:SS.US') FROM "voice_states" LEFT JOIN (SELECT "guild_id" AS
"part0_guild_id", "user_id" AS "part0_user_id", "payload" AS "part0_payload", "last_updated" AS "part0_last_updated"
FROM "members") AS "part0" ON "part0_guild_id" = "voice_states"."guild_id" AND "part0_user_id" =
"voice_states"."user_id" LEFT JOIN (SELECT "id" AS "part1_id", "payload" AS "part1_payload", "last_updated" AS
"part1_last_updated" FROM "users") AS "part1" ON "part1_id" = "part0_user_id" WHERE "guild_id" = $1 AND "user_id" = $2
    [1, 2]

-- with its history
SELECT "id", "payload"::text, to_char("last_updated", 'YYYY-MM-DD HH24:MI:SS.US'), "source", "shard", "epoch",
to_char("first_seen", 'YYYY-MM-DD HH24:MI:SS.US'), "revision" FROM "users" WHERE "id" = $1
    [1]

-- records by their keys
SELECT "id" FROM "users" WHERE "id" = ANY($1::bigint[])
    [(1, 2)]

-- by keys of two parts
SELECT "guild_id", "user_id" FROM "members" WHERE ("guild_id", "user_id") IN (SELECT * FROM unnest($1::bigint[],
$2::bigint[]))
    [(1, 1, 4), (2, 3, 5)]

-- by keys that are texts
SELECT "code", "guild_id" FROM "invites" WHERE "code" = ANY($1::text[])
    [['a', "it's\x01\x01\x01\x02"]]

-- the first page
SELECT "id", "guild_id", "id" FROM "messages" WHERE "guild_id" = $1 ORDER BY "id" LIMIT 2
    [1]

-- the next page by key
SELECT "id", "guild_id", "id" FROM "messages" WHERE "guild_id" = $1 AND "id" > $2 ORDER BY "id" LIMIT 2
    [1, 7]

-- the next page by a key of two parts
SELECT "guild_id", "user_id", "guild_id", "user_id" FROM "members" WHERE ("guild_id", "user_id") > ($1, $2) ORDER BY
"guild_id", "user_id" LIMIT 2
    [1, 7]

-- the next page within a guild
SELECT "guild_id", "user_id", "user_id" FROM "members" WHERE "guild_id" = $1 AND "user_id" > $2 ORDER BY "user_id"
LIMIT 2
    [1, 7]

-- the next page where a guild is wanted
SELECT "guild_id", "user_id", "user_id" FROM "members" WHERE "guild_id" = $1 AND "user_id" > $2 ORDER BY "user_id"
LIMIT 2
    [1, 7]

-- the next page, sorted by a column and then by a key of two parts
SELECT "guild_id", "user_id", to_char("joined_at", 'YYYY-MM-DD HH24:MI:SS.US'), "guild_id", "user_id" FROM "members"
WHERE (("joined_at" > $1::text::timestamptz) OR ("joined_at" = $2::text::timestamptz AND ("guild_id", "user_id") >
($3, $4))) AND "joined_at" >= $5::text::timestamptz ORDER BY "joined_at" NULLS FIRST, "guild_id", "user_id" LIMIT 2
    ['2024-01-01 00:00:00.000000', '2024-01-01 00:00:00.000000', 1, 7, '2024-01-01 00:00:00.000000']

-- the next page, sorted up
SELECT "id", "username", "id" FROM "users" WHERE (("username" > $1) OR ("username" = $2 AND "id" > $3)) AND "username"
>= $4 ORDER BY "username" NULLS FIRST, "id" LIMIT 2
    ['a', 'a', 7, 'a']

-- the next page, sorted down
SELECT "id", "guild_id", to_char("edited_timestamp", 'YYYY-MM-DD HH24:MI:SS.US'), "id" FROM "messages" WHERE
((("edited_timestamp" < $1::text::timestamptz OR "edited_timestamp" IS NULL)) OR ("edited_timestamp" =
$2::text::timestamptz AND "id" < $3)) ORDER BY "edited_timestamp" DESC NULLS LAST, "id" DESC LIMIT 2
    ['2024-01-01 00:00:00.000000', '2024-01-01 00:00:00.000000', 7]

-- the next page, after NULL
SELECT "id", "username", "id" FROM "users" WHERE (("username" IS NOT NULL) OR ("username" IS NULL AND "id" > $1))
ORDER BY "username" NULLS FIRST, "id" LIMIT 2
    [7]

-- a count
SELECT COUNT(*) FROM "users" WHERE NOT COALESCE(strpos("username", $1) > 0, FALSE) AND (("flags" & $2) = $3 OR (("id"
>> 22) % $4) = $5) AND (("username" >= $6 AND "username" < $7) AND "global_name" IS NULL) AND (1 = 0)
    ['50%', 4, 4, 2, 1, 'ab', 'ac']

-- what belongs
SELECT COUNT(*) FROM "messages" WHERE "channel_id" IN (SELECT "id" FROM "threads" WHERE "parent_id" IN (SELECT "id"
FROM "channels" WHERE "name" = $1)) AND "timestamp" >= $2::text::timestamptz
    ['a', '2024-01-01 00:00:00.000000']

-- what messages say
SELECT "id", "guild_id", "id" FROM "messages" WHERE "guild_id" = $1 AND "id" IN (SELECT "id" FROM
"persist_search_messages" WHERE array_to_tsvector(string_to_array("terms", ' ')) @@ $2::text::tsquery AND
strpos("words", $3) > 0 AND strpos("words", $4) > 0 AND strpos("words", $5) > 0) AND NOT COALESCE("id" IN (SELECT "id"
FROM "persist_search_messages" WHERE array_to_tsvector(string_to_array("terms", ' ')) @@ $6::text::tsquery AND
strpos("words", $7) > 0), FALSE) ORDER BY "id" DESC LIMIT 2
    [1, "'red' & 'pan':* & '_718a'", ' red ', ' pan', ' 熊 ', "'red' & 'panda'", ' red panda ']

-- what people are called
SELECT COUNT(*) FROM "members" WHERE (("guild_id", "user_id") IN (SELECT "guild_id", "user_id" FROM
"persist_search_members" WHERE array_to_tsvector(string_to_array("terms", ' ')) @@ $1::text::tsquery AND
strpos("words", $2) > 0) OR "user_id" IN (SELECT "id" FROM "users" WHERE "id" IN (SELECT "id" FROM
"persist_search_users" WHERE array_to_tsvector(string_to_array("terms", ' ')) @@ $3::text::tsquery AND strpos("words",
$4) > 0 AND strpos("words", $5) > 0)))
    ["'nat' & 'ali' & 'lia'", 'natalia', "'al':* & '_e9':*", '\n al', 'é']

-- pairs that belong
SELECT COUNT(*) FROM "members" WHERE ("guild_id", "user_id") IN (SELECT "guild_id", "user_id" FROM "members")
    []
