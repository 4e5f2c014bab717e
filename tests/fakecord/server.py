"""FakeDiscord: all parts behind one flat interface."""

from __future__ import annotations

import random
import types
import typing

from aiohttp import web

from . import payloads
from .broadcast import Broadcast
from .channel_actions import ChannelActions
from .chaos import Chaos
from .control import Control
from .flood import Flood
from .gateway import Gateway
from .guild_actions import GuildActions
from .interactions import Interactions
from .member_actions import MemberActions
from .member_chunks import MemberChunks
from .message_actions import MessageActions
from .object_actions import ObjectActions
from .observer import Observer
from .payloads import Payload
from .reaction_actions import ReactionActions
from .rest import Rest
from .rest_application import ApplicationRoutes
from .rest_changes import ChangeRoutes
from .rest_channels import ChannelRoutes
from .rest_guilds import GuildRoutes
from .session import Session
from .settings import Settings
from .world import World

_HOST: typing.Final = "127.0.0.1"


class FakeDiscord:
    """A Discord of your own, to which an unmodified `hikari.GatewayBot(token, rest_url=sim.rest_url)` connects.

    Use it as an asynchronous context manager. Its helpers change the world and inform the bot, as if people had done
    it; inside `async with sim.silently():` they only change the world.

    Parameters
    ----------
    seed
        Makes IDs, timestamps and choices reproducible. Without it, IDs continue from earlier ones.
    **options
        Fields of `Settings`.

    Attributes
    ----------
    settings
        Its settings; may be changed while it runs.
    world
        Everything that exists.
    observer
        A record of what happened, for tests.
    port
        The port that it listens on, once started.
    """

    def __init__(self, *, seed: int | None = None, **options: typing.Any) -> None:
        if seed is not None:
            payloads.SOURCE.reseed(seed)
        self.random = random.Random(seed)
        self.settings = Settings(**options)
        self.observer = Observer()
        self.world = World(payloads.own_user(id=self.settings.bot_id))
        self.port = 0
        self._runner: web.AppRunner | None = None
        self._compose()

    def _compose(self) -> None:  # noqa: PLR0915 - A table: which part provides which name.
        world, observer, settings = self.world, self.observer, self.settings
        broadcast = self.broadcast = Broadcast(world, observer)
        guilds = GuildActions(world, broadcast)
        members = MemberActions(world, broadcast)
        channels = ChannelActions(world, broadcast)
        messages = MessageActions(world, broadcast)
        reactions = ReactionActions(world, broadcast)
        objects = ObjectActions(world, broadcast)
        flood = Flood(world, broadcast)
        chunks = MemberChunks(settings, world)
        chaos = self.chaos = Chaos(broadcast)
        interactions = Interactions(settings, world, broadcast)
        self._gateway = Gateway(settings, broadcast, members, chunks, self.random)
        self._rest = Rest(settings, observer, chaos)
        guild_routes = GuildRoutes(world)
        self._routes = [
            *ApplicationRoutes(
                settings=settings,
                world=world,
                gateway=self._gateway,
                guilds=guilds,
                messages=messages,
                interactions=interactions,
            ).routes(),
            *guild_routes.routes(),
            *ChangeRoutes(world, guilds, members, channels).routes(),
            *ChannelRoutes(world, guild_routes, channels, messages, reactions).routes(),
        ]

        self.emit = broadcast.emit
        self.silently = broadcast.silently
        self.wait_until = observer.wait_until

        self.guild_ids = guilds.guild_ids
        self.add_guild = guilds.add_guild
        self.guild_payload = guilds.guild_payload
        self.join_guild = guilds.join_guild
        self.leave_guild = guilds.leave_guild
        self.guild_outage = guilds.guild_outage
        self.guild_recover = guilds.guild_recover
        self.update_guild = guilds.update_guild
        self.create_role = guilds.create_role
        self.update_role = guilds.update_role
        self.delete_role = guilds.delete_role
        self.set_emojis = guilds.set_emojis
        self.set_stickers = guilds.set_stickers

        self.add_member = members.add_member
        self.update_member = members.update_member
        self.remove_member = members.remove_member
        self.update_own_user = members.update_own_user
        self.ban = members.ban
        self.unban = members.unban
        self.set_presence = members.set_presence
        self.set_voice_state = members.set_voice_state
        self.start_typing = members.start_typing

        self.create_channel = channels.create_channel
        self.update_channel = channels.update_channel
        self.delete_channel = channels.delete_channel
        self.set_voice_status = channels.set_voice_status
        self.create_thread = channels.create_thread
        self.update_thread = channels.update_thread
        self.archive_thread = channels.archive_thread
        self.delete_thread = channels.delete_thread
        self.sync_threads = channels.sync_threads
        self.update_thread_member = channels.update_thread_member
        self.update_thread_members = channels.update_thread_members

        self.create_message = messages.create_message
        self.send_message = messages.send_message
        self.update_message = messages.update_message
        self.delete_message = messages.delete_message
        self.bulk_delete = messages.bulk_delete
        self.pin_message = messages.pin_message
        self.unpin_message = messages.unpin_message
        self.open_direct_channel = messages.open_direct_channel

        self.add_reaction = reactions.add_reaction
        self.remove_reaction = reactions.remove_reaction
        self.remove_all_reactions = reactions.remove_all_reactions
        self.remove_emoji_reactions = reactions.remove_emoji_reactions
        self.add_vote = reactions.add_vote
        self.remove_vote = reactions.remove_vote
        self.end_poll = reactions.end_poll

        self.create = objects.create
        self.update = objects.update
        self.delete = objects.delete
        self.add_event_user = objects.add_event_user
        self.remove_event_user = objects.remove_event_user
        self.create_invite = objects.create_invite
        self.delete_invite = objects.delete_invite
        self.create_webhook = objects.create_webhook
        self.log = objects.log

        self.slash = interactions.slash
        self.interaction = interactions.interaction
        self.flood = flood.flood
        self.flood_messages = flood.flood_messages
        self.prepare_chunks = flood.prepare_chunks
        self.prepare_messages = flood.prepare_messages
        self.flood_prepared = flood.flood_prepared

        self.lose_chunks = chunks.lose_chunks
        self.drop_connections = chaos.drop_connections
        self.close_connections = chaos.close_connections
        self.request_reconnect = chaos.request_reconnect
        self.invalidate = chaos.invalidate
        self.expire_sessions = chaos.expire_sessions
        self.fail_rest = chaos.fail_rest

        self.rest_log = observer.rest_log
        self.rest_requests = observer.rest_requests
        self.opcodes = observer.opcodes
        self.close_codes = observer.close_codes
        self.emitted = observer.emitted
        self.interactions_inbox = observer.interactions_inbox
        self.messages = world.messages
        self.sessions = broadcast.sessions
        self.live_sessions = broadcast.live_sessions

    @property
    def rest_url(self) -> str:
        """The `rest_url` for hikari."""
        return f"http://{_HOST}:{self.port}/api/v10"

    @property
    def identifies(self) -> int:
        """How often a client identified."""
        return self.observer.identifies

    @property
    def resumes_ok(self) -> int:
        """How often a client resumed."""
        return self.observer.resumes_ok

    @property
    def resumes_failed(self) -> int:
        """How often a client failed to resume."""
        return self.observer.resumes_failed

    async def start(self, port: int = 0) -> None:
        """Listen on the loopback interface, on a free port unless one is given."""
        app = web.Application(client_max_size=64 << 20)
        for path in ("/gateway", "/gateway/", "/resume", "/resume/"):
            app.router.add_get(path, self._gateway.serve)
        self._rest.install(app, self._routes)
        Control(self).install(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, _HOST, port, reuse_address=True).start()
        self.port = self._gateway.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Reset all connections and stop listening. If it is already stopped, this is a no-op."""
        await self.drop_connections()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> typing.Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        await self.stop()

    async def wait_connected(self, count: int | None = None, timeout: float = 10.0) -> None:
        """Wait until this many shards are connected; by default all of them."""
        await self.wait_until(lambda: len(self.live_sessions()) >= (count or self.settings.shards), timeout)

    def configure(self, **changes: typing.Any) -> None:
        """Change settings while it runs; for another process, which cannot reach `settings`."""
        for name, value in changes.items():
            setattr(self.settings, name, value)

    def stats(self) -> Payload:
        """Return what has happened so far, as values that JSON can hold."""
        return {
            "identifies": self.identifies,
            "resumes_ok": self.resumes_ok,
            "resumes_failed": self.resumes_failed,
            "close_codes": self.close_codes,
            "rest": dict(self.rest_log),
            "emitted": dict(self.emitted),
            "interactions": self.interactions_inbox.qsize(),
            "sessions": [_session_stats(session) for session in self.sessions.values()],
        }


def _session_stats(session: Session) -> Payload:
    connection = session.connection
    return {
        "id": session.id,
        "shard": session.shard,
        "sequence": session.sequence,
        "live": connection is not None,
        "intents": session.intents,
        "resumes": session.resumes,
        "acked": session.last_acked,
        "compression": connection.compression if connection else None,
        "bytes_raw": connection.bytes_raw if connection else None,
        "bytes_wire": connection.bytes_wire if connection else None,
    }
