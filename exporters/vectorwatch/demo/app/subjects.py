"""What the passages are about: operating a search system, five sentences a subject; written for this demo."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Subject:
    """One thing that can go wrong: what it is, how it shows, what measures it, its cause, what mends it."""

    name: str
    meaning: str
    symptom: str
    measure: str
    cause: str
    remedy: str


SUBJECTS: tuple[Subject, ...] = (
    Subject(
        "recall",
        "Recall is the share of the true nearest neighbours that an approximate search returns.",
        "Users say that a document which they know exists is not found, although nothing is slow.",
        "Compare sampled searches with the exact answer and record the ratio by hnsw_ef and k.",
        "The graph was built with few links, or hnsw_ef is too small for the size of the collection.",
        "Raise hnsw_ef first, then rebuild with a larger m and ef_construct if the latency budget is spent.",
    ),
    Subject(
        "search latency",
        "Search latency is the time from a query's arrival to its last result, as the client feels it.",
        "The slowest one percent of searches grows while the median stays where it was.",
        "Keep a histogram with a bound at the objective and watch the ninety-ninth percentile.",
        "Segments are being merged, memory is short and pages come from disk, or filters are not indexed.",
        "Move optimisation out of the busy hours, give the index memory, and index the filtered fields.",
    ),
    Subject(
        "quantization",
        "Quantization stores vectors with fewer bits, so that up to thirty-two times as many fit in memory.",
        "Recall falls by a few percent right after the change although the graph is the same.",
        "Compare recall with and without rescoring, and resident memory before and after.",
        "The distribution of the embedding does not suit the chosen scheme, or rescoring is off.",
        "Switch oversampling and rescoring on and keep the full vectors on disk.",
    ),
    Subject(
        "payload index",
        "A payload index lets the engine find points by a field without reading every payload.",
        "Filtered searches take ten times as long as those without a filter.",
        "Count the indexed points of each field and compare them with the points of the collection.",
        "The field was added after the collection was made, and nobody created its index.",
        "Create the index with the schema of the field and wait until its count has caught up.",
    ),
    Subject(
        "collection alias",
        "An alias is a name that clients use while the collection behind it is exchanged.",
        "After a release all answers are stale, or every search says that the collection is not found.",
        "Record which collection each alias names and when it was moved.",
        "The switch was made before the new collection was complete, or the old one was deleted too early.",
        "Point the alias back to the former collection and switch again when the counts agree.",
    ),
    Subject(
        "optimizer",
        "The optimizer merges segments and builds graphs in the background.",
        "The collection stays yellow for an hour and the processor is busy although nobody searches.",
        "Watch the status of the collection, the number of segments and the share of unindexed vectors.",
        "Writes arrive faster than graphs are built, or the disk has no room for the merged copy.",
        "Load in larger batches, raise the indexing threshold while loading, and free disk space.",
    ),
    Subject(
        "cache hit rate",
        "The hit rate of a cache is the share of look-ups that find an answer.",
        "The language model is asked more often and the bill grows while traffic does not.",
        "Divide hits by hits and misses over fifteen minutes, by mode of use.",
        "Entries expire too soon, a release changed the key, or memory is short and entries are evicted.",
        "Lengthen the time to live, normalise the question before hashing it, or add memory.",
    ),
    Subject(
        "eviction",
        "Eviction removes entries from a full cache so that new ones find room.",
        "Popular answers are generated again within minutes of having been stored.",
        "Watch evicted keys a second beside used memory and its limit.",
        "The working set is larger than the memory, or a batch job floods the cache.",
        "Give batch jobs a cache of their own and raise the limit of memory.",
    ),
    Subject(
        "replication",
        "Replication keeps copies of a shard on several nodes, so that one may fail.",
        "A node restarts and searches return fewer results than before.",
        "Count live replicas of each shard and compare them with the replication factor.",
        "A replica is dead or recovers slowly because the transfer is throttled.",
        "Let the transfer finish before the next node is restarted, one node at a time.",
    ),
    Subject(
        "connection pool",
        "A connection pool lends a bounded number of database connections to many requests.",
        "Requests wait for seconds although the database is idle.",
        "Compare connections that are checked out with the size of the pool, and count time-outs.",
        "A slow query or a forgotten transaction keeps connections for too long.",
        "Find the oldest transaction, bound every statement by a time limit, and only then enlarge the pool.",
    ),
    Subject(
        "circuit breaker",
        "A circuit breaker stops calls to a dependency that keeps failing and tries again later.",
        "Some requests fail at once with the same sentence while others are served from the cache.",
        "Record the state of each breaker, its failures and its recoveries.",
        "The dependency is down, or the time limit is shorter than its slowest regular answer.",
        "Mend the dependency; the breaker closes by itself after one successful trial.",
    ),
    Subject(
        "hypothetical document",
        "A hypothetical document is written by a model and embedded in place of the bare question.",
        "Short questions find better passages, but the first answer takes a second longer.",
        "Record the time of generation and the hit rate of its cache.",
        "Each new phrasing of a question is written anew because its key is the raw text.",
        "Key the cache by the subject of the question and warm it after each release.",
    ),
    Subject(
        "token budget",
        "A token budget bounds what a language model may read and write in one day.",
        "The daily cost doubles within an hour and nobody has changed the traffic.",
        "Count tokens of input and output by model and multiply them with the price list.",
        "A prompt grew by a whole document, or a loop of an agent does not end.",
        "Cap the passages in a prompt, bound the steps of an agent, and alert on the rate of cost.",
    ),
    Subject(
        "embedding model",
        "An embedding model turns a text into a vector, so that near meanings have near vectors.",
        "All similarities shift after a release, and thresholds no longer separate good from bad.",
        "Measure on a fixed list of questions how often the right passage is among the first three.",
        "Questions and passages were embedded by different versions of the model.",
        "Embed all passages again into a new collection and move the alias when it is complete.",
    ),
    Subject(
        "model queue",
        "The model queue holds requests that wait for a free worker.",
        "Answers take longer and longer although each call of the model is as fast as before.",
        "Watch the length of the queue and how long the last request has waited.",
        "More requests arrive than the workers can serve, or one worker is stuck.",
        "Add workers, shed load at the door, and bound how long a request may wait.",
    ),
    Subject(
        "graphics memory",
        "Graphics memory holds the weights of the models and the vectors that are searched on the card.",
        "A model fails to load although the card was half empty a moment ago.",
        "Watch allocated and free bytes of each card, and the peak within the last minutes.",
        "Memory is fragmented, or two processes have loaded the same weights.",
        "Load each model once, reserve memory at the start, and restart the process that leaks.",
    ),
    Subject(
        "snapshot",
        "A snapshot is a copy of a collection at one moment from which it can be restored.",
        "After a failed disk the newest copy turns out to be a month old.",
        "Record the age of the newest snapshot and test a restoration every week.",
        "The job that makes it fails without a word because the disk is full.",
        "Alert on the age and not on the job, and keep copies on another machine.",
    ),
    Subject(
        "disk space",
        "Disk space holds segments, the write-ahead log and the copies that optimisation needs.",
        "Writes are refused while searches go on.",
        "Predict from the last hours when the file system will be full.",
        "Snapshots are never deleted, or the log cannot be truncated because a replica is away.",
        "Delete old snapshots first; never delete files of a segment by hand.",
    ),
    Subject(
        "rate limit",
        "A rate limit bounds the requests of one client, so that the others are served.",
        "One tenant sees many answers with status 429 and all others are content.",
        "Count refused requests by tenant beside those that were served.",
        "A client retries at once and without end after each failure.",
        "Ask the client to wait longer after each failure, and raise the limit only for a real need.",
    ),
    Subject(
        "service level",
        "A service level is what users were promised: so many good answers out of a thousand.",
        "The month's budget of errors is spent in a week.",
        "Divide bad events by all events over several windows and watch how fast the budget burns.",
        "A small but steady share of requests fails, which no threshold on single errors has seen.",
        "Stop risky changes, find the largest class of bad events, and mend that one first.",
    ),
    Subject(
        "trace",
        "A trace shows the steps of one request with the time that each took.",
        "The dashboard shows a slow service and nobody knows which of its calls is slow.",
        "Keep the trace id on the slow bucket of the histogram and on each line of the log.",
        "Time is lost between two calls, in a queue that no metric covers.",
        "Open the slowest trace, look for the longest gap, and add a span where nothing is shown.",
    ),
    Subject(
        "alert fatigue",
        "Alert fatigue is what remains of attention when most messages ask for nothing.",
        "A page at night is silenced unread and turns out to have been the true one.",
        "Count for each alert how often somebody did something because of it.",
        "Alerts watch causes that heal by themselves in place of symptoms that users feel.",
        "Delete what nobody acts on, group what has one cause, and wait before you wake someone.",
    ),
    Subject(
        "chunk size",
        "The chunk size says how much text one vector stands for.",
        "Answers quote the right document and the wrong paragraph.",
        "Compare the quality of answers for several sizes on the same list of questions.",
        "Long chunks mix subjects, short ones lose what the sentence before has said.",
        "Cut at headings, overlap by a sentence or two, and store the neighbours of each chunk.",
    ),
    Subject(
        "reranking",
        "Reranking puts the first results into a better order with a slower and better model.",
        "The right passage is among the first fifty results but not among the first five.",
        "Measure the rank of the right passage before and after, and the time that it costs.",
        "The embedding is good at subjects and weak at details such as versions and numbers.",
        "Rerank few results, cache by pairs of question and passage, and drop it when time is short.",
    ),
)
