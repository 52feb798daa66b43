"""Planted defects of the clients: the faults that once were there, put back, and others like them."""

from tests.chaos.defects import Defect, within

DEFECTS: list[Defect] = [
    *within(
        "stream_consumer/printing/output.py",
        ("take a part of a write for all of it", "            left = left[taken:]\n", "            break\n"),
        (
            "swallow what the sink refuses",
            "        except BlockingIOError as full:\n            taken = full.characters_written\n",
            "        except OSError:\n            taken = len(left)\n",
        ),
    ),
    *within(
        "stream_consumer/printing/printer.py",
        (
            "commit before printing",
            "        if chosen:\n            self._output.write(chosen)\n",
            "        self._consumer.commit()\n        if chosen:\n            self._output.write(chosen)\n",
        ),
        (
            "show an older prediction as the newest after a restart",
            "            newest.keep(batch)\n",
            "            pass\n",
        ),
    ),
    *within(
        "stream_consumer/shards.py",
        (
            "end a shard that once answers without a next iterator",
            'if reply.get("ChildShards") or shard.closed:',
            "if True:",
        ),
        ("say nothing of what has expired", "        if gap is not None:\n", "        if False:\n"),
        (
            "say nothing of a shard that is gone",
            "            if shard_id not in listed and not position.ended:\n",
            "            if False:\n",
        ),
        (
            "say nothing of shards that came and went",
            "        if since is None or since >= self.now() - self._retention:\n",
            "        if True:\n",
        ),
        (
            "read a new shard as if nothing could have expired of it",
            "return ShardPosition(read_until=self._since(known))",
            "return HORIZON",
        ),
        ("end at a place that the service forgot", 'if what == "InvalidArgumentException" and', "if False and"),
        (
            "end where a shard is not found",
            "return self._calls.pause(shard.retries, error, passes=True)",
            "return self._calls.pause(shard.retries, error, passes=False)",
        ),
        ("read children before their parents", "all(map(self._is_done, each.parents))", "True"),
        ("never come to the end of a busy stream", "            until = self.now() + _TOLD_IN\n", "            pass\n"),
        (
            "take an empty list of shards for a stream without any",
            '            if not reply["Shards"]:',
            "            if False:",
        ),
    ),
    *within(
        "stream_consumer/shard.py",
        ("ask five times a second while nothing comes", "SECONDS_BETWEEN_LOOKS = 1.0", "SECONDS_BETWEEN_LOOKS = 0.2"),
    ),
    *within(
        "stream_consumer/positions.py",
        (
            "ask for the latest twice",
            "structs.replace(self, at=now - _CLOCK_STEP) if self.newest and self.at is None else self",
            "self",
        ),
    ),
    *within(
        "stream_consumer/consumer.py",
        (
            "forget the ids that were delivered before a restart",
            "        self._delivered.remember(saved.delivered)\n",
            "",
        ),
        ("skip the rest of an aggregated record", "None if last else index", "None"),
        ("hand out repeats", "        if not self._delivered.is_new(event.id):\n", "        if False:\n"),
    ),
    *within(
        "stream_consumer/checkpoints/s3.py",
        (
            "take the client's own repeated write for another process's",
            "if standing is None or standing[0] != body:",
            "if True:",
        ),
    ),
    *within(
        "terminal/files.py",
        (
            "let two processes have one file",
            "        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
            "        pass\n",
        ),
        (
            "give a file its name before its content is safe",
            "            os.fsync(file.fileno())\n        Path(draft)",
            "        Path(draft)",
        ),
        (
            "leave what was appended unsafe",
            "        file.write(content)\n        file.flush()\n        os.fsync(file.fileno())\n    if new:",
            "        file.write(content)\n        file.flush()\n    if new:",
        ),
    ),
    *within(
        "lambdas/aws/kinesis_calls.py",
        (
            "know a stream by the machine's time zone",
            "summary['StreamCreationTimestamp'].astimezone(UTC)",
            "summary['StreamCreationTimestamp']",
        ),
        (
            "believe the machine's clock",
            "            self._told = (parsedate_to_datetime(date).astimezone(UTC), self._clock())\n",
            "            pass\n",
        ),
        (
            "end at an expired iterator",
            '_PASSING = {EXPIRED_ITERATOR, "ResourceInUseException"}',
            '_PASSING = {"ResourceInUseException"}',
        ),
        (
            "do not wait at the first call",
            "                self._sleep(self.pause(retries, error))\n",
            "                raise error\n",
        ),
    ),
    *within(
        "lambdas/aws/errors.py",
        ("believe a proxy's page", "    if member not in reply:\n", "    if False:\n"),
        ("end at a throttled call", '_THROTTLED = ("Throttl", "ThroughputExceeded", ', '_THROTTLED = ("Throttl", '),
    ),
    *within(
        "lambdas/aws/put_records.py",
        ("ignore failed entries", 'if not reply.get("FailedRecordCount"):', "if True:"),
        (
            "take a dropped connection for success",
            "return request, code(error) or type(error).__name__",
            'return [], ""',
        ),
    ),
    *within(
        "stream_producer/listing_records.py",
        ("send a key that Kinesis does not take", "    key = partition_key(listing_id)\n", "    key = listing_id\n"),
    ),
    *within(
        "stream_producer/publisher.py",
        (
            "let the records of a key overtake each other",
            "            if key not in self._taken:\n",
            "            if True:\n",
        ),
    ),
    *within(
        "stream_producer/resume.py",
        (
            "remember what the stream has not taken yet",
            "while self._outstanding and self._outstanding[0] in self._taken:",
            "while self._outstanding:",
        ),
        (
            "end where the progress cannot be kept",
            "        except OSError as error:\n            if not self._warned:",
            "        except EOFError as error:\n            if not self._warned:",
        ),
    ),
    *within(
        "stream_producer/dead_letters_bucket/redrive.py",
        ("send a record again for every object that holds it", "if letter.place not in seen and (", "if True or ("),
        (
            "send the newest first",
            "sorted(found, key=lambda pair: pair[0])",
            "sorted(found, key=lambda pair: pair[0], reverse=True)",
        ),
        ("put away what the stream refused", "        if not outcome.complete:\n", "        if False:\n"),
        (
            "send a letter for ever that comes back each time",
            "self._objects.attempts(letter) >= MOST_ATTEMPTS",
            "False",
        ),
    ),
    *within(
        "stream_producer/dead_letters_bucket/letters.py",
        (
            "send a letter under another key",
            "key = line.partition_key or _listing_id(data) or line.sequence_number",
            "key = line.sequence_number",
        ),
    ),
]
