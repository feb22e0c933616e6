"""How a small Hub answers hf-xet: what is asked at its store of blocks, apart from the Hub itself."""

from __future__ import annotations

from hub_repos import Refused
from hub_request import Answer, Asked, as_json


class Cas(Asked):
    """The answer to one request below ``/cas``."""

    def answer(self) -> Answer:
        """What it is."""
        self.no_token_of_the_hub()
        words, xet = self.request.words[1:], self.state.xet
        if words[0] == "blocks":  # a link that needs no token, as a storage signs them
            return self.part(xet.blocks[words[1]][0], {})
        if self.token not in self.state.xet_tokens:
            raise Refused(401, "the token has expired")
        if words[:2] == ["v1", "xorbs"]:
            return as_json({"was_inserted": xet.add_block(words[3], self.request.body)})
        if words == ["v1", "shards"]:
            for sha256, content in xet.add_shard(self.request.body):
                self.state.store.content[sha256] = content
                self.state.store.xet_hashes[sha256] = xet.hashes[sha256]
            return as_json({"result": 1})
        if words[:2] == ["v1", "reconstructions"]:
            made = xet.reconstruction(words[2], self.request.headers.get("Range", ""))
            for ranges in made["fetch_info"].values():
                for one in ranges:
                    one["url"] = f"{self.state.storage}/cas/blocks/{one['url']}"
            return as_json(made)
        raise Refused(404, "not known")
