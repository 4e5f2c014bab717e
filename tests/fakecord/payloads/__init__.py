"""Factories of realistic raw Discord payloads (API v10), including fields that libraries drop.

Every factory takes `**fields` to set or replace fields that matter for the test.
"""

from __future__ import annotations

from .channels import FACTORY_OF_CHANNEL_TYPE as FACTORY_OF_CHANNEL_TYPE
from .channels import THREAD_TYPES as THREAD_TYPES
from .channels import UNKNOWN_CHANNEL_TYPE as UNKNOWN_CHANNEL_TYPE
from .channels import category as category
from .channels import dm_channel as dm_channel
from .channels import forum_channel as forum_channel
from .channels import forum_tag as forum_tag
from .channels import media_channel as media_channel
from .channels import news_channel as news_channel
from .channels import news_thread as news_thread
from .channels import overwrite as overwrite
from .channels import private_thread as private_thread
from .channels import stage_channel as stage_channel
from .channels import text_channel as text_channel
from .channels import thread as thread
from .channels import thread_metadata as thread_metadata
from .channels import unknown_channel as unknown_channel
from .channels import voice_channel as voice_channel
from .guilds import emoji as emoji
from .guilds import guild as guild
from .guilds import role as role
from .guilds import soundboard_sound as soundboard_sound
from .guilds import sticker as sticker
from .happenings import application as application
from .happenings import audit_log_entry as audit_log_entry
from .happenings import auto_mod_rule as auto_mod_rule
from .happenings import entitlement as entitlement
from .happenings import integration as integration
from .happenings import invite as invite
from .happenings import scheduled_event as scheduled_event
from .happenings import stage_instance as stage_instance
from .happenings import subscription as subscription
from .happenings import team as team
from .happenings import webhook as webhook
from .messages import attachment as attachment
from .messages import button_row as button_row
from .messages import embed as embed
from .messages import everything as everything
from .messages import message as message
from .messages import poll as poll
from .messages import reaction as reaction
from .messages import reply_to as reply_to
from .messages import sticker_item as sticker_item
from .messages import webhook_message as webhook_message
from .people import activity as activity
from .people import ban as ban
from .people import member as member
from .people import own_user as own_user
from .people import partial_member as partial_member
from .people import presence as presence
from .people import public_user as public_user
from .people import thread_member as thread_member
from .people import user as user
from .people import voice_state as voice_state
from .source import SOURCE as SOURCE
from .source import Payload as Payload
from .source import iso as iso
from .source import snowflake as snowflake
