# Make the line of a document that Elasticsearch has refused: all of it as text, and why.
#
# Fields of the same name as in the refused document would be refused again, so that only those stand here that say
# whose it was.

MOST_REASON = 2_000

def register(_params)
end

def filter(event)
  reason = event.get("[@metadata][dead_letter_queue][reason]").to_s
  stream = event.get("data_stream") || {}
  target = [stream["type"] || "logs", stream["dataset"] || "unknown", stream["namespace"] || "unknown"].join("-")
  line = {
    "message" => "refused by Elasticsearch: #{explain(reason)}",
    "event.original" => event.to_json,
    "error.message" => shorten(reason),
    "service.name" => text(event.get("[service][name]")) || "unknown",
    "log.level" => "error",
    "attributes.data_stream" => target,
    "attributes.document_id" => text(event.get("[@metadata][id]"))
  }
  event.set("line", line.compact)
  event.set("[@metadata][dataset]", "dead_letter")
  [event]
end

def text(value)
  value.is_a?(String) ? value : nil
end

# The action in the middle of a reason repeats the document.
def shorten(reason)
  status = reason[/status: \d+/]
  response = reason[/response: .*\z/m]
  (status && response ? "#{status}, #{response}" : reason)[0, MOST_REASON]
end

def explain(reason)
  found = reason.scan(/"reason"\s*=?[>:]\s*"((?:[^"\\]|\\.){1,300})/).last
  found ? found.first : reason[0, 200]
end
