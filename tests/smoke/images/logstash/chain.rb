# The filters of one pipeline in one process: for thousands of lines a second, what tests/logs/pipeline/model.py does
# for one line at a time. The scripts run for real, under the stand-in for Logstash's own objects.
#
# Speaks JSON lines: first the plan (plan.py makes it), then {"events": [{"fields", "metadata"}]} → {"events": [...],
# "counts": {id: [in, out]}, "errors": [...]}.
require "json"
require_relative "../../../logs/pipeline/stand_in"

class Chain
  attr_reader :counts

  def initialize(plan, logger)
    @logger = logger
    @counts = Hash.new { |all, id| all[id] = [0, 0] }
    @steps = plan.map { |step| build(step) }
  end

  def run(events)
    run_all(@steps, events)
  end

  private

  def run_all(steps, events)
    steps.reduce(events) { |now, step| now.flat_map { |event| step.call(event) } }
  end

  def build(step)
    return build_branches(step["branches"]) if step.key?("branches")
    filter = step.key?("script") ? build_script(step) : ->(_event) { [] }
    count = @counts[step["id"]]
    lambda do |event|
      count[0] += 1
      filter.call(event).tap { |events| count[1] += events.size }
    end
  end

  def build_script(step)
    context = Context.new(step["script"], @logger, {}, false)
    context.register(step["parameters"])
    ->(event) { run_filter(context, event) }
  end

  def build_branches(branches)
    built = branches.map { |branch| [branch["condition"], branch["steps"].map { |step| build(step) }] }
    lambda do |event|
      _, steps = built.find { |condition, _| condition.nil? || holds?(condition, event) }
      steps ? run_all(steps, [event]) : [event]
    end
  end

  def holds?(condition, event)
    field, operator, text = condition
    (event.get(field) == text) == (operator == "==")
  end
end

$stdout.sync = true
logger = Logger.new
chain = Chain.new(JSON.parse($stdin.gets), logger)
puts JSON.generate("ready" => true)
$stdin.each_line do |line|
  events = JSON.parse(line, max_nesting: false, allow_nan: true)["events"].map do |event|
    LogStash::Event.new(event["fields"], event["metadata"])
  end
  done = chain.run(events).map { |event| { "fields" => event.to_hash, "metadata" => event.metadata } }
  puts JSON.generate({ "events" => done, "counts" => chain.counts, "errors" => logger.errors }, max_nesting: 0)
  logger.errors.clear
end
