# Find the security events and give each a risk score from 0 to 100; `security.yml` says what they are.
require "yaml"

FACTOR = 1.5 # an attack that had success

def register(params)
  table = YAML.safe_load_file(params["security"])
  @categories, @loggers, @benign = table.values_at("categories", "loggers", "benign")
  @scores, @other = table.values_at("scores", "other_score")
  @texts = table["texts"].map { |row| [Regexp.new(row["pattern"]), row["action"], row["category"]] }
  @source = Regexp.new(table["source"])
end

def filter(event)
  line = event.get("line") or return [event]
  given = number(line.delete("event.risk_score_norm")) || scale(number(line["event.risk_score"]))
  found = read_text(line) unless line.key?("event.category")
  return [event] unless given || found || security?(line)
  score = (given || compute(line)).clamp(0, 100)
  line["event.risk_score"] = score.round(1)
  line["event.kind"] ||= score > 80 ? "alert" : "event"
  event.set("line", line)
  event.tag("security")
  event.set("[@metadata][dataset]", "security")
  [event]
end

def security?(line)
  return true if @loggers.include?(line["log.logger"])
  category = line["event.category"]
  !(@categories & (category.is_a?(Array) ? category : [category])).empty?
end

def number(value)
  value.is_a?(Numeric) || value.to_s.match?(/\A\d+(?:\.\d+)?\z/) ? value.to_f : nil
end

# A score up to 1 is on the scale from 0 to 1, as our library writes it.
def scale(score)
  score && score <= 1 ? score * 100 : score
end

def read_text(line)
  message = line["message"].to_s[0, 2000]
  _pattern, action, category = @texts.find { |pattern, *_rest| pattern.match?(message) }
  return false unless action
  line.update("event.category" => [category], "event.action" => action, "event.outcome" => "failure")
  source = message[@source, 1]
  line["source.ip"] ||= source if source
  true
end

def compute(line)
  action = line["event.action"].to_s
  score = @scores.fetch(action, @other)
  line["event.outcome"] == "success" && !@benign.include?(action) ? score * FACTOR : score
end
