# A stand-in for what Logstash gives a script of its `ruby` filter: `LogStash::Event`, `LogStash::Timestamp`, `logger`,
# `register`, `filter`, `test` blocks, and the tag of an exception. It runs the scripts of logstash/ruby/ for real.
#
# What it copies was read in logstash-filter-ruby 3.1.8 (lib/logstash/filters/ruby.rb, ruby/script/*.rb) and Logstash
# 9.5.2 (JrubyEventExtLibrary, ConvertedMap, FieldReference in its strict form). What it does not show: JRuby's own
# differences from this Ruby, several workers at once, speed.
#
# Speaks JSON lines: {"script", "params", "event": {"fields", "metadata"}} → {"events": [...], "errors": [...]};
# {"script", "params", "test": true} → {"failed": [...]}.
require "json"
require "time"

module LogStash
  class Timestamp
    attr_reader :time

    def initialize(value = Time.now)
      @time = value.is_a?(Time) ? value.utc : Time.iso8601(value).utc
    end

    def to_s
      part = @time.nsec.zero? ? 3 : @time.strftime("%N").sub(/0+\z/, "").length.then { |digits| (digits / 3.0).ceil * 3 }
      @time.iso8601(part)
    end

    def to_json(*arguments)
      to_s.to_json(*arguments)
    end
  end

  # Values go in and come out as copies, as from Java's.
  class Event
    attr_reader :metadata

    def initialize(fields = {}, metadata = nil)
      @fields = copy(fields.reject { |name, _value| name == "@metadata" })
      @metadata = copy(metadata || fields["@metadata"] || {})
      time = @fields["@timestamp"]
      @fields["@timestamp"] = time.is_a?(String) ? Timestamp.new(time) : time || Timestamp.new
      @fields["@version"] ||= "1" if metadata.nil?
      @cancelled = false
    end

    def get(reference)
      copy(find(reference))
    end

    def set(reference, value)
      path = read(reference)
      if path == ["@timestamp"]
        raise TypeError, "wrong argument type #{value.class} (expected LogStash::Timestamp)" unless value.is_a?(Timestamp)
      end
      place, path = root(path)
      *above, last = path
      above.each do |part|
        place[part] = {} if place[part].nil?
        place = place[part]
        raise "Could not set field '#{reference}': #{part} holds no object" unless place.is_a?(Hash)
      end
      place[last] = copy(value)
      value
    end

    def remove(reference)
      place, path = root(read(reference))
      *above, last = path
      above.each { |part| place = place.is_a?(Hash) ? place[part] : nil }
      place.is_a?(Hash) ? place.delete(last) : nil
    end

    def include?(reference)
      !find(reference).nil?
    end

    def tag(text)
      tags = Array(@fields["tags"])
      @fields["tags"] = tags + [text] unless tags.include?(text)
      nil
    end

    def timestamp
      @fields["@timestamp"]
    end

    def to_hash
      copy(@fields)
    end

    def to_json(*_arguments)
      JSON.generate(@fields, max_nesting: 0)
    end

    def clone
      Event.new(@fields, @metadata)
    end

    def cancel
      @cancelled = true
    end

    def cancelled?
      @cancelled
    end

    private

    def root(path)
      path.first == "@metadata" ? [@metadata, path.drop(1)] : [@fields, path]
    end

    def find(reference)
      place, path = root(read(reference))
      path.reduce(place) { |inside, part| inside.is_a?(Hash) ? inside[part] : nil }
    end

    def read(reference)
      return [reference] unless reference.match?(/[\[\]]/)
      raise "Invalid FieldReference: `#{reference}`" unless reference.match?(/\A(?:\[[^\[\]]+\])+\z/)
      reference.scan(/[^\[\]]+/)
    end

    def copy(value)
      case value
      when Hash then value.to_h { |key, inner| [key.to_s.dup, copy(inner)] }
      when Array then value.map { |inner| copy(inner) }
      when String then utf8(value)
      when Float, true, false, nil, Timestamp, Integer then value
      else raise "Missing Converter handling for class #{value.class}"
      end
    end

    # Text crosses into Java as UTF-8; what is none becomes a replacement character there.
    def utf8(text)
      text = text.dup.force_encoding(Encoding::UTF_8)
      text.valid_encoding? ? text : text.scrub
    end
  end
end

class Logger
  attr_reader :errors

  def initialize
    @errors = []
  end

  def error(message, details = {})
    @errors << "#{message} #{details}"
  end

  def debug(*); end
  def info(*); end
  def warn(*); end
end

class Context
  attr_reader :logger, :tests

  def initialize(path, logger, folders, collect)
    @__path__, @logger, @__folders__, @__collect__ = path, logger, folders, collect
    @tests = []
    instance_eval(File.read(path), path, 1)
  end

  def register(_params); end

  def test(name, &block)
    @tests << [name, block] if @__collect__
  end
end

class Test
  attr_reader :failed

  def initialize(name, make)
    @name, @make = name, make
    @context = make.call
    @failed = []
  end

  def parameters(&block)
    @context.register(@make.resolve(block.call))
  end

  def in_event(&block)
    given = block.call
    @events = (given.is_a?(Array) ? given : [given]).map { |fields| LogStash::Event.new(fields) }
  end
  alias in_events in_event

  def expect(name, &block)
    results = @events.flat_map { |event| @context.filter(event.clone) }
    @failed << "#{@name}: #{name}" unless block.call(results)
  rescue StandardError => error
    @failed << "#{@name}: #{name}: #{error.inspect}"
  end
end

Make = Struct.new(:path, :logger, :folders) do
  def call
    Context.new(path, logger, folders, false)
  end

  def resolve(value)
    case value
    when Hash then value.transform_values { |inner| resolve(inner) }
    when String then folders.reduce(value) { |text, (from, to)| text.sub(/\A#{Regexp.escape(from)}(?=\/)/, to) }
    else value
    end
  end
end

def run_filter(context, event)
  results = context.filter(event)
  raise "Custom script did not return an array from 'filter'" unless results.is_a?(Array)
  results.reject(&:cancelled?)
rescue StandardError => error
  event.tag("_rubyexception")
  context.logger.error("Could not process event: #{error.message}", "at" => error.backtrace.first)
  [event]
end

if $PROGRAM_NAME == __FILE__
  $stdout.sync = true
  folders = JSON.parse($stdin.gets)
  logger = Logger.new
  loaded = {}
  $stdin.each_line do |line|
    request = JSON.parse(line, max_nesting: false, allow_nan: true)
    make = Make.new(request["script"], logger, folders)
    if request["test"]
      failed = Context.new(request["script"], logger, folders, true).tests.flat_map do |name, block|
        Test.new(name, make).tap { |one| one.instance_eval(&block) }.failed
      end
      puts JSON.generate("failed" => failed)
      next
    end
    context = loaded[[request["script"], request["params"]]] ||= make.call.tap { |one| one.register(make.resolve(request["params"])) }
    fields = request["event"]["fields"]
    fields["message"] = fields.delete("message_base64").unpack1("m") if fields.key?("message_base64")
    event = LogStash::Event.new(fields, request["event"]["metadata"])
    events = run_filter(context, event).map { |one| { "fields" => one.to_hash, "metadata" => one.metadata } }
    puts JSON.generate({ "events" => events, "errors" => logger.errors }, max_nesting: 0)
    logger.errors.clear
  end
end
