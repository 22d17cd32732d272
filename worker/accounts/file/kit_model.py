"""The model of an account file's part about Kit: how the account is known there."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictStr

from worker.accounts.file.values import (
    ENV_PATTERN,
    check_env,
    check_file,
    check_public,
    check_stored,
)


class FilePart(BaseModel):
    """A part of an account file; what it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


EnvName: TypeAlias = Annotated[
    StrictStr, AfterValidator(check_env), Field(json_schema_extra={"pattern": ENV_PATTERN})
]
PublicName: TypeAlias = Annotated[EnvName, AfterValidator(check_public)]
FilePath: TypeAlias = Annotated[
    StrictStr, AfterValidator(check_file), Field(json_schema_extra={"minLength": 1})
]


def _said(value: object) -> object:
    """Refuse a name with nothing after it, for which `None` stands where the name is absent."""
    if value is None:
        raise ValueError("nothing stands here; write, indented below it, client_id_env: KIT_CLIENT_ID")
    return value


KIT_WAYS: Final = (
    "api_key_env",
    "api_key_file",
    "api_key",
    "oauth",
    "access_token_env",
    "access_token_file",
)
"""In which an account is known to Kit; one of them is to be chosen."""


class OAuthPart(FilePart):
    """The app at Kit to which this account is connected; `kit-worker connect` does that."""

    model_config = ConfigDict(title="OAuth app")

    client_id_env: PublicName = Field(
        title="Environment variable with the client id",
        description="Name of the environment variable that holds the app's client id. It begins with KIT_.",
        examples=["KIT_CLIENT_ID"],
    )
    client_secret_env: EnvName = Field(
        default="",
        title="Environment variable with the client secret",
        description=(
            "Name of the environment variable that holds the app's client secret. Without this line the app "
            "proves itself by PKCE alone."
        ),
        examples=["KIT_CLIENT_SECRET"],
    )


class KitPart(FilePart):
    """How this account is known to Kit, in exactly one way; no secret ever stands in this file itself."""

    model_config = ConfigDict(
        title="Kit",
        json_schema_extra={"oneOf": [{"required": [name]} for name in KIT_WAYS]},
    )

    api_key_env: EnvName = Field(
        default="",
        title="Environment variable with the API key",
        description="Name of the environment variable that holds the API key. It begins with KIT_.",
        examples=["KIT_API_KEY", "KIT_API_KEY_SUNNY_KITCHEN"],
    )
    api_key_file: FilePath = Field(
        default="",
        title="File with the API key",
        description=(
            "Path of a file that holds the API key and nothing else. A relative path starts at the "
            "configuration folder, the one that contains the folder accounts."
        ),
        examples=["/run/secrets/kit_api_key"],
    )
    api_key: Annotated[
        Literal["stored"] | None, BeforeValidator(check_stored, json_schema_input_type=Literal["stored"])
    ] = Field(
        default=None,
        title="API key that is entered on the page",
        description=(
            "stored: the key is entered on the page, or by kit-worker connect, and kept in the ledger, "
            "encrypted. Never the key itself."
        ),
    )
    oauth: Annotated[OAuthPart | None, BeforeValidator(_said, json_schema_input_type=OAuthPart)] = Field(
        default=None,
        title="OAuth app",
        description="The app to which this account is connected: five times the calls, each for many people.",
    )
    access_token_env: EnvName = Field(
        default="",
        title="Environment variable with an access token",
        description="Name of the environment variable that holds an OAuth token which something else renews.",
        examples=["KIT_ACCESS_TOKEN"],
    )
    access_token_file: FilePath = Field(
        default="",
        title="File with an access token",
        description="Path of a file that holds an OAuth token which something else renews; see api_key_file.",
        examples=["/run/secrets/kit_access_token"],
    )
