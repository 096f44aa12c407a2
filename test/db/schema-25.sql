-- A database of the last pre-release schema (25), as pg_dump of PostgreSQL 15 wrote it: what the bridge to the
-- baseline is tested with. It never changes.
SET check_function_bodies = false;
CREATE SCHEMA simulated_venue;
CREATE SCHEMA unwind;
CREATE SCHEMA unwind_v1;
CREATE FUNCTION unwind.instant(at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN to_char((at AT TIME ZONE 'UTC'::text), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'::text);
CREATE TABLE unwind.accounts (
    tenant_id uuid NOT NULL,
    account_id uuid NOT NULL,
    user_id uuid NOT NULL,
    status text NOT NULL,
    currency text NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    positions_as_of timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT accounts_currency CHECK ((currency = 'EUR'::text)),
    CONSTRAINT accounts_status CHECK ((status = ANY (ARRAY['PENDING_APPROVAL'::text, 'ACTIVE'::text, 'CLOSING'::text, 'CLOSED'::text, 'LOCKED'::text])))
)
WITH (fillfactor='80');
CREATE FUNCTION unwind.account_object(a unwind.accounts) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN concat('{"account_group_id":"', (a).user_id, '","account_number":1,"created_at":"', unwind.instant((a).created_at), '","id":"', (a).account_id, '","name":"Account","status":"', (a).status, '","type":"TRADING","updated_at":"', unwind.instant((a).updated_at), '","users":[{"id":"', (a).user_id, '","type":"OWNER"}]}');
CREATE TABLE unwind.liquidations (
    tenant_id uuid NOT NULL,
    liquidation_id uuid NOT NULL,
    account_id uuid NOT NULL,
    user_id uuid NOT NULL,
    sequence integer NOT NULL,
    status text NOT NULL,
    proceeds numeric DEFAULT 0 NOT NULL,
    cash_amount numeric NOT NULL,
    rounds integer DEFAULT 0 NOT NULL,
    open_orders integer DEFAULT 0 NOT NULL,
    event_count integer NOT NULL,
    release_at timestamp with time zone NOT NULL,
    advance_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    released_at timestamp with time zone,
    ended_at timestamp with time zone,
    end_reason text,
    waits_for_venue boolean DEFAULT false NOT NULL,
    corrected_at timestamp with time zone,
    corrected_proceeds numeric DEFAULT 0 NOT NULL,
    stop_reason text,
    stop_note text,
    stop_asked_at timestamp with time zone,
    stop_at timestamp with time zone,
    CONSTRAINT liquidations_abandoned_by_somebody CHECK (((end_reason IS DISTINCT FROM 'abandoned'::text) OR ((stop_reason IS NOT NULL) AND (stop_reason = 'abandoned'::text)))),
    CONSTRAINT liquidations_amounts CHECK (((proceeds >= (0)::numeric) AND (cash_amount >= (0)::numeric) AND (scale(proceeds) <= 2) AND (scale(cash_amount) <= 2))),
    CONSTRAINT liquidations_corrected_only_when_final CHECK (((corrected_at IS NULL) OR (status = ANY (ARRAY['FILLED'::text, 'CANCELLED'::text])))),
    CONSTRAINT liquidations_corrected_proceeds CHECK ((((corrected_at IS NOT NULL) OR (corrected_proceeds = (0)::numeric)) AND ((proceeds - corrected_proceeds) >= (0)::numeric))),
    CONSTRAINT liquidations_end_reason CHECK (((end_reason IS NULL) OR ((status = 'FILLED'::text) AND (end_reason = 'flat'::text)) OR ((status = 'CANCELLED'::text) AND (end_reason = ANY (ARRAY['client'::text, 'refused'::text, 'limit'::text, 'abandoned'::text]))))),
    CONSTRAINT liquidations_ended_exactly_when_final CHECK (((status = ANY (ARRAY['FILLED'::text, 'CANCELLED'::text])) = (ended_at IS NOT NULL))),
    CONSTRAINT liquidations_exact_when_final CHECK (((status <> ALL (ARRAY['FILLED'::text, 'CANCELLED'::text])) OR (cash_amount = proceeds))),
    CONSTRAINT liquidations_filled CHECK (((status <> 'FILLED'::text) OR (released_at IS NOT NULL))),
    CONSTRAINT liquidations_looked_at_again_exactly_when_idle CHECK (((advance_at IS NOT NULL) = ((status = 'PROCESSING'::text) AND (open_orders = 0)))),
    CONSTRAINT liquidations_new CHECK (((status <> 'NEW'::text) OR ((released_at IS NULL) AND (rounds = 0)))),
    CONSTRAINT liquidations_open_orders CHECK (((open_orders >= 0) AND ((open_orders = 0) OR (status = 'PROCESSING'::text)))),
    CONSTRAINT liquidations_processing CHECK (((status <> 'PROCESSING'::text) OR (released_at IS NOT NULL))),
    CONSTRAINT liquidations_reason_exactly_when_final CHECK (((status = ANY (ARRAY['FILLED'::text, 'CANCELLED'::text])) = (end_reason IS NOT NULL))),
    CONSTRAINT liquidations_status CHECK ((status = ANY (ARRAY['NEW'::text, 'PROCESSING'::text, 'FILLED'::text, 'CANCELLED'::text]))),
    CONSTRAINT liquidations_stop_asked_exactly_with_reason CHECK (((stop_reason IS NULL) = (stop_asked_at IS NULL))),
    CONSTRAINT liquidations_stop_note_exactly_when_abandoned CHECK (((stop_note IS NOT NULL) = ((stop_reason IS NOT NULL) AND (stop_reason = 'abandoned'::text)))),
    CONSTRAINT liquidations_stop_note_length CHECK (((length(stop_note) >= 1) AND (length(stop_note) <= 500))),
    CONSTRAINT liquidations_stop_reason CHECK ((stop_reason = ANY (ARRAY['limit'::text, 'abandoned'::text]))),
    CONSTRAINT liquidations_stopped_only_while_running CHECK (((stop_at IS NULL) OR ((stop_reason IS NOT NULL) AND (status = ANY (ARRAY['NEW'::text, 'PROCESSING'::text])))))
)
WITH (fillfactor='70');
CREATE TABLE unwind.orders (
    tenant_id uuid NOT NULL,
    order_id uuid NOT NULL,
    liquidation_id uuid NOT NULL,
    account_id uuid NOT NULL,
    isin text NOT NULL,
    round integer NOT NULL,
    quantity numeric NOT NULL,
    status text NOT NULL,
    filled_quantity numeric DEFAULT 0 NOT NULL,
    proceeds numeric DEFAULT 0 NOT NULL,
    submissions integer DEFAULT 0 NOT NULL,
    submit_at timestamp with time zone,
    cancellation_reason text,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    status_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    corrected_quantity numeric DEFAULT 0 NOT NULL,
    CONSTRAINT orders_cancelled_is_less CHECK (((status <> 'CANCELLED'::text) OR ((filled_quantity - corrected_quantity) < quantity))),
    CONSTRAINT orders_ended_exactly_when_final CHECK (((status = ANY (ARRAY['FILLED'::text, 'CANCELLED'::text])) = (ended_at IS NOT NULL))),
    CONSTRAINT orders_filled_is_all CHECK (((status <> 'FILLED'::text) OR ((filled_quantity - corrected_quantity) = quantity))),
    CONSTRAINT orders_filled_quantity CHECK (((filled_quantity >= (0)::numeric) AND (((filled_quantity - corrected_quantity) >= (0)::numeric) AND ((filled_quantity - corrected_quantity) <= quantity)))),
    CONSTRAINT orders_final_is_not_submitted CHECK (((status <> ALL (ARRAY['FILLED'::text, 'CANCELLED'::text])) OR (submit_at IS NULL))),
    CONSTRAINT orders_new CHECK (((status <> 'NEW'::text) OR ((submissions = 0) AND (filled_quantity = (0)::numeric) AND (submit_at IS NOT NULL)))),
    CONSTRAINT orders_proceeds CHECK (((proceeds >= (0)::numeric) AND (scale(proceeds) <= 2))),
    CONSTRAINT orders_quantity CHECK (((quantity > (0)::numeric) AND (scale(quantity) <= 15))),
    CONSTRAINT orders_reason_exactly_when_cancelled CHECK (((status = 'CANCELLED'::text) = (cancellation_reason IS NOT NULL))),
    CONSTRAINT orders_sent CHECK (((status <> ALL (ARRAY['PROCESSING'::text, 'FILLED'::text])) OR (submissions > 0))),
    CONSTRAINT orders_status CHECK ((status = ANY (ARRAY['NEW'::text, 'PROCESSING'::text, 'FILLED'::text, 'CANCELLED'::text])))
)
WITH (fillfactor='70');
CREATE FUNCTION unwind.cancelled_by(o unwind.orders, l unwind.liquidations) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN (((l).stop_asked_at IS NULL) OR ((o).ended_at < (l).stop_asked_at)) THEN 'CANCELLED_BY_TRADING_PARTNER'::text WHEN ((l).stop_reason = 'abandoned'::text) THEN 'CANCELLED_BY_UPVEST_OPERATIONS'::text ELSE 'CANCELLED_BY_UPVEST_PLATFORM'::text END;
CREATE TABLE unwind.executions (
    tenant_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    venue text NOT NULL,
    venue_execution_id text NOT NULL,
    client_order_id text NOT NULL,
    order_id uuid NOT NULL,
    liquidation_id uuid NOT NULL,
    account_id uuid NOT NULL,
    isin text NOT NULL,
    quantity numeric NOT NULL,
    price numeric NOT NULL,
    proceeds numeric NOT NULL,
    executed_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    busted_at timestamp with time zone,
    CONSTRAINT executions_price CHECK (((price > (0)::numeric) AND (scale(price) <= 12))),
    CONSTRAINT executions_proceeds CHECK (((proceeds >= (0)::numeric) AND (scale(proceeds) <= 2))),
    CONSTRAINT executions_quantity CHECK (((quantity > (0)::numeric) AND (scale(quantity) <= 15)))
);
CREATE FUNCTION unwind.execution_object(e unwind.executions) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN concat('{"cash_amount":"', round((e).proceeds, 2), '","currency":"EUR","id":"', (e).execution_id, '","order_id":"', (e).order_id, '","price":"', trim_scale((e).price), '","share_quantity":"', trim_scale((e).quantity), '","side":"SELL","status":"', CASE WHEN ((e).busted_at IS NULL) THEN 'FILLED'::text ELSE 'CANCELLED'::text END, '","taxes":[],"transaction_time":"', unwind.instant((e).executed_at), '"}');
CREATE FUNCTION unwind.first_id_at(at timestamp with time zone) RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((lpad(to_hex(((EXTRACT(epoch FROM at) * (1000)::numeric))::bigint), 12, '0'::text) || repeat('0'::text, 20)))::uuid;
CREATE FUNCTION unwind.instrument_id(isin text) RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT (encode(set_byte(set_byte(d.digest, 6, ((get_byte(d.digest, 6) & 15) | 128)), 8, ((get_byte(d.digest, 8) & 63) | 128)), 'hex'::text))::uuid AS encode FROM (SELECT SUBSTRING(sha256(('\x7891729857ae409285eecfa8447349dd'::bytea || convert_to(instrument_id.isin, 'UTF8'::name))) FROM 1 FOR 16) AS digest) d);
CREATE FUNCTION unwind.sellable(quantity numeric, fractional boolean) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN fractional THEN quantity ELSE trunc(quantity) END;
CREATE FUNCTION unwind.to_cents(amount numeric) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN ((mod((amount * (100)::numeric), (1)::numeric) = 0.5) AND (mod(trunc((amount * (100)::numeric)), (2)::numeric) = (0)::numeric)) THEN trunc(amount, 2) ELSE round(amount, 2) END;
CREATE TABLE unwind.instruments (
    tenant_id uuid NOT NULL,
    isin text NOT NULL,
    name text NOT NULL,
    trading_status text NOT NULL,
    fractional boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    instrument_id uuid GENERATED ALWAYS AS (unwind.instrument_id(isin)) STORED,
    CONSTRAINT instruments_isin_form CHECK ((isin ~ '^[A-Z]{2}[A-Z0-9]{9}[0-9]$'::text)),
    CONSTRAINT instruments_trading_status CHECK ((trading_status = ANY (ARRAY['ACTIVE'::text, 'INACTIVE'::text])))
);
CREATE TABLE unwind.positions (
    tenant_id uuid NOT NULL,
    account_id uuid NOT NULL,
    isin text NOT NULL,
    quantity numeric NOT NULL,
    locked numeric NOT NULL,
    held numeric DEFAULT 0 NOT NULL,
    CONSTRAINT positions_covered CHECK (((locked + held) <= quantity)),
    CONSTRAINT positions_held CHECK ((held >= (0)::numeric)),
    CONSTRAINT positions_locked CHECK (((locked >= (0)::numeric) AND (scale(locked) <= 15))),
    CONSTRAINT positions_quantity CHECK (((quantity >= (0)::numeric) AND (scale(quantity) <= 15)))
)
WITH (fillfactor='70');
CREATE TABLE unwind.prices (
    tenant_id uuid NOT NULL,
    isin text NOT NULL,
    price numeric NOT NULL,
    currency text NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT prices_currency CHECK ((currency = 'EUR'::text)),
    CONSTRAINT prices_positive CHECK (((price > (0)::numeric) AND (scale(price) <= 12)))
);
CREATE FUNCTION unwind.indicative_values(the_tenant uuid, the_account uuid, the_liquidation uuid) RETURNS TABLE(value numeric)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
 SELECT COALESCE(sum(unwind.to_cents((r.price * unwind.sellable(p.quantity, i.fractional)))), (0)::numeric) AS "coalesce"
    FROM ((unwind.positions p
      JOIN unwind.instruments i ON (((i.tenant_id = p.tenant_id) AND (i.isin = p.isin))))
      JOIN unwind.prices r ON (((r.tenant_id = p.tenant_id) AND (r.isin = p.isin))))
   WHERE ((p.tenant_id = indicative_values.the_tenant) AND (p.account_id = indicative_values.the_account) AND (p.quantity > (0)::numeric) AND (NOT (EXISTS ( SELECT
            FROM unwind.orders o
           WHERE ((o.tenant_id = indicative_values.the_tenant) AND (o.liquidation_id = indicative_values.the_liquidation) AND (o.isin = p.isin) AND (o.status = 'CANCELLED'::text))))));
END;
CREATE FUNCTION unwind.indicative_value(the_tenant uuid, the_account uuid, the_liquidation uuid) RETURNS numeric
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (SELECT v.value FROM unwind.indicative_values(indicative_value.the_tenant, indicative_value.the_account, indicative_value.the_liquidation) v(value));
CREATE FUNCTION unwind.instrument_object(i unwind.instruments) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN concat('{"created_at":"', unwind.instant((i).created_at), '","fractional_trading":', ((i).fractional)::text, ',"id":"', (i).instrument_id, '","isin":"', (i).isin, '","name":', to_json("left"((i).name, 100)), ',"trading_status":"', (i).trading_status, '","updated_at":"', unwind.instant((i).updated_at), '"}');
CREATE FUNCTION unwind.liquidation_objects(l unwind.liquidations) RETURNS TABLE(object text)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
 SELECT concat('{"account_id":"', (liquidation_objects.l).account_id, '","cash_amount":"', round((liquidation_objects.l).cash_amount, 2), '","created_at":"', unwind.instant((liquidation_objects.l).created_at), '","currency":"EUR","id":"', (liquidation_objects.l).liquidation_id, '","orders":[', string_agg(concat('{"id":"', o.order_id, '","side":"SELL","status":"', o.status, '"}'), ','::text ORDER BY o.order_id), '],"status":"', (liquidation_objects.l).status, '","updated_at":"', unwind.instant(GREATEST((liquidation_objects.l).updated_at, max(o.status_at))), '","user_id":"', (liquidation_objects.l).user_id, '"}') AS concat
    FROM unwind.orders o
   WHERE ((o.tenant_id = (liquidation_objects.l).tenant_id) AND (o.liquidation_id = (liquidation_objects.l).liquidation_id));
END;
CREATE FUNCTION unwind.liquidation_object(l unwind.liquidations) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (SELECT o.object FROM unwind.liquidation_objects(liquidation_object.l) o(object));
CREATE FUNCTION unwind.make_event_part(month date) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
  part text := concat('events_', to_char(month, 'YYYY_MM'));
  first_id uuid := unwind.first_id_at(month::timestamp at time zone 'UTC');
  next_id uuid := unwind.first_id_at((month + interval '1 month')::timestamp at time zone 'UTC');
begin
  insert into unwind.event_parts (name, from_id, to_id)
  values (part, first_id, next_id)
  on conflict (name) do nothing;
  if not found then
    return false;
  end if;
  execute format(
    'create table unwind.%I (like unwind.events including defaults including constraints)'
      ' with (fillfactor = 100, autovacuum_freeze_min_age = 0)',
    part
  );
  execute format(
    'alter table unwind.events attach partition unwind.%I for values from (%L) to (%L)',
    part, first_id, next_id
  );
  return true;
end
$$;
CREATE TABLE unwind.market_clock (
    only_row boolean DEFAULT true NOT NULL,
    offset_ms bigint NOT NULL,
    CONSTRAINT market_clock_only_row CHECK (only_row)
);
CREATE FUNCTION unwind.market_time(wall timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (wall + (SELECT ((c.offset_ms)::double precision * '00:00:00.001'::interval) FROM unwind.market_clock c));
CREATE FUNCTION unwind.next_changes(l unwind.liquidations, now timestamp with time zone) RETURNS TABLE(at timestamp with time zone)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
 SELECT GREATEST(next_changes.now, ((next_changes.l).updated_at + '00:00:00.001'::interval), (max(o.status_at) + '00:00:00.001'::interval)) AS "greatest"
    FROM unwind.orders o
   WHERE ((o.tenant_id = (next_changes.l).tenant_id) AND (o.liquidation_id = (next_changes.l).liquidation_id));
END;
CREATE FUNCTION unwind.next_change_at(l unwind.liquidations, now timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (SELECT c.at FROM unwind.next_changes(next_change_at.l, next_change_at.now) c(at));
CREATE FUNCTION unwind.order_object(o unwind.orders) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (SELECT concat('{"account_id":"', (order_object.o).account_id, CASE WHEN ((order_object.o).status = 'CANCELLED'::text) THEN ('","cancellation_reason":"'::text || unwind.cancelled_by(order_object.o, l.*)) ELSE NULL::text END, '","cash_amount":"0","client_reference":"', (order_object.o).liquidation_id, '","created_at":"', unwind.instant((order_object.o).created_at), '","currency":"EUR","execution_flow":"STRAIGHT_THROUGH","executions":[', (SELECT string_agg(unwind.execution_object(e.*), ','::text ORDER BY e.execution_id) AS string_agg FROM unwind.executions e WHERE ((e.tenant_id = (order_object.o).tenant_id) AND (e.order_id = (order_object.o).order_id))), '],"fee":"0","id":"', (order_object.o).order_id, '","initiation_flow":"ACCOUNT_LIQUIDATION","instrument_id":"', (order_object.o).isin, '","instrument_id_type":"ISIN","limit_price":"","order_type":"MARKET","quantity":"', trim_scale((order_object.o).quantity), '","side":"SELL","status":"', (order_object.o).status, '","stop_price":"","updated_at":"', unwind.instant(GREATEST((order_object.o).updated_at, (order_object.o).status_at)), '","user_id":"', l.user_id, '"}') AS concat FROM unwind.liquidations l WHERE ((l.tenant_id = (order_object.o).tenant_id) AND (l.liquidation_id = (order_object.o).liquidation_id)));
CREATE FUNCTION unwind.position_object(p unwind.positions) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN concat('{"account_id":"', (p).account_id, '","available_for_trading":"', trim_scale((((p).quantity - (p).locked) - (p).held)), '","instrument":{"isin":"', (p).isin, '","uuid":"', unwind.instrument_id((p).isin), '"},"locked_for_trading":"', trim_scale((p).held), '","pending_settlement":"0","quantity":"', trim_scale((p).quantity), '"}');
CREATE FUNCTION unwind.refuse_transition() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  raise exception using
    errcode = 'check_violation',
    schema = tg_table_schema,
    table = tg_table_name,
    constraint = tg_name,
    message = format('a row of %I cannot go from %s to %s', tg_table_name, old.status, new.status);
end $$;
CREATE TABLE unwind.venue_holidays (
    venue text NOT NULL,
    day date NOT NULL,
    closes time without time zone,
    name text NOT NULL
);
CREATE TABLE unwind.venue_hours (
    venue text NOT NULL,
    weekday smallint NOT NULL,
    opens time without time zone NOT NULL,
    closes time without time zone NOT NULL,
    CONSTRAINT venue_hours_order CHECK ((opens < closes)),
    CONSTRAINT venue_hours_weekday CHECK (((weekday >= 1) AND (weekday <= 7)))
);
CREATE TABLE unwind.venues (
    venue text NOT NULL,
    time_zone text DEFAULT 'UTC'::text NOT NULL,
    status text,
    CONSTRAINT venues_mic CHECK ((venue ~ '^[A-Z0-9]{4}$'::text)),
    CONSTRAINT venues_status CHECK ((status = ANY (ARRAY['open'::text, 'closed'::text])))
);
CREATE FUNCTION unwind.venue_session(the_venue text, at timestamp with time zone) RETURNS TABLE(opens_at timestamp with time zone, closes_at timestamp with time zone)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
 SELECT s.opens_at,
     s.closes_at
    FROM (((((unwind.venues v
      CROSS JOIN LATERAL ( SELECT ((venue_session.at AT TIME ZONE v.time_zone))::date AS today) t)
      CROSS JOIN generate_series(0, 31) d(ahead))
      JOIN unwind.venue_hours h ON (((h.venue = v.venue) AND ((h.weekday)::numeric = EXTRACT(isodow FROM (t.today + d.ahead))))))
      LEFT JOIN unwind.venue_holidays x ON (((x.venue = v.venue) AND (x.day = (t.today + d.ahead)))))
      CROSS JOIN LATERAL ( SELECT (((t.today + d.ahead) + h.opens) AT TIME ZONE v.time_zone) AS opens_at,
             (((t.today + d.ahead) + LEAST(h.closes, x.closes)) AT TIME ZONE v.time_zone) AS closes_at) s)
   WHERE ((v.venue = venue_session.the_venue) AND ((x.day IS NULL) OR (x.closes > h.opens)) AND (s.closes_at > venue_session.at))
   ORDER BY s.opens_at
  LIMIT 1;
END;
CREATE FUNCTION unwind.venue_is_open(the_venue text, at timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN COALESCE((SELECT (v.status = 'open'::text) FROM unwind.venues v WHERE (v.venue = venue_is_open.the_venue)), (SELECT (s.opens_at <= venue_is_open.at) FROM unwind.venue_session(venue_is_open.the_venue, venue_is_open.at) s(opens_at, closes_at)), (NOT (EXISTS (SELECT FROM unwind.venue_hours h WHERE (h.venue = venue_is_open.the_venue)))));
CREATE FUNCTION unwind_v1.liquidation_object(l unwind.liquidations) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
    SET search_path TO ''
    RETURN unwind.liquidation_object(l);
CREATE TABLE simulated_venue.behaviours (
    isin text NOT NULL,
    course text,
    loses_answers boolean,
    repeats_reports boolean,
    shuffles_reports boolean,
    delays_reports_ms integer,
    one_in integer NOT NULL,
    CONSTRAINT behaviours_delay CHECK ((delays_reports_ms >= 0)),
    CONSTRAINT behaviours_one_in CHECK ((one_in >= 1))
);
CREATE TABLE simulated_venue.cancels (
    firm uuid NOT NULL,
    entry bigint NOT NULL,
    client_order_id text NOT NULL,
    outcome text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    CONSTRAINT cancels_outcome CHECK ((outcome = ANY (ARRAY['accepted'::text, 'too_late'::text, 'not_found'::text])))
);
ALTER TABLE simulated_venue.cancels ALTER COLUMN entry ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME simulated_venue.cancels_entry_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE simulated_venue.journal (
    firm uuid NOT NULL,
    entry bigint NOT NULL,
    client_order_id text NOT NULL,
    isin text NOT NULL,
    side text NOT NULL,
    quantity numeric NOT NULL,
    outcome text NOT NULL,
    venue_order_id text,
    price numeric,
    reason text,
    received_at timestamp with time zone NOT NULL,
    temporary boolean DEFAULT false NOT NULL,
    CONSTRAINT journal_accepted CHECK ((((outcome = 'accepted'::text) = (venue_order_id IS NOT NULL)) AND ((outcome = 'accepted'::text) = (price IS NOT NULL)))),
    CONSTRAINT journal_outcome CHECK ((outcome = ANY (ARRAY['accepted'::text, 'refused'::text, 'repeated'::text]))),
    CONSTRAINT journal_quantity CHECK ((quantity > (0)::numeric)),
    CONSTRAINT journal_refused CHECK (((outcome = 'refused'::text) = (reason IS NOT NULL))),
    CONSTRAINT journal_side CHECK ((side = 'SELL'::text)),
    CONSTRAINT journal_temporary CHECK (((NOT temporary) OR (outcome = 'refused'::text)))
);
ALTER TABLE simulated_venue.journal ALTER COLUMN entry ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME simulated_venue.journal_entry_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE simulated_venue.market (
    only_row boolean DEFAULT true NOT NULL,
    is_down boolean DEFAULT false NOT NULL,
    seed text DEFAULT ''::text NOT NULL,
    CONSTRAINT market_only_row CHECK (only_row)
);
CREATE TABLE simulated_venue.reports (
    firm uuid NOT NULL,
    report uuid NOT NULL,
    client_order_id text NOT NULL,
    venue_order_id text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    type text NOT NULL,
    venue_execution_id text,
    last_quantity numeric,
    last_price numeric,
    cumulative_quantity numeric NOT NULL,
    reason text,
    number bigint,
    transaction_at timestamp with time zone NOT NULL,
    copy smallint DEFAULT 0 NOT NULL,
    CONSTRAINT reports_execution CHECK (((type = ANY (ARRAY['trade'::text, 'filled'::text, 'bust'::text])) = (venue_execution_id IS NOT NULL))),
    CONSTRAINT reports_type CHECK ((type = ANY (ARRAY['trade'::text, 'filled'::text, 'cancelled'::text, 'rejected'::text, 'postponed'::text, 'bust'::text])))
);
CREATE TABLE simulated_venue.session (
    only_row boolean DEFAULT true NOT NULL,
    last_number bigint NOT NULL,
    CONSTRAINT session_only_row CHECK (only_row)
);
CREATE TABLE unwind.access_tokens (
    tenant_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT access_tokens_hash_is_sha256 CHECK ((length(token_hash) = 32))
);
CREATE TABLE unwind.busts (
    tenant_id uuid NOT NULL,
    venue text NOT NULL,
    venue_execution_id text NOT NULL,
    client_order_id text NOT NULL,
    transaction_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL
);
CREATE TABLE unwind.client_keys (
    tenant_id uuid NOT NULL,
    key_id uuid NOT NULL,
    public_key_pem text NOT NULL,
    status text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT client_keys_status CHECK ((status = ANY (ARRAY['live'::text, 'revoked'::text])))
);
CREATE TABLE unwind.event_heads (
    tenant_id uuid NOT NULL,
    "position" bigint NOT NULL,
    dropped_to bigint DEFAULT 0 NOT NULL,
    CONSTRAINT event_heads_dropped CHECK (((dropped_to >= 0) AND (dropped_to <= "position")))
);
CREATE TABLE unwind.event_parts (
    name text NOT NULL,
    from_id uuid NOT NULL,
    to_id uuid NOT NULL,
    given_up_at timestamp with time zone,
    next_try_at timestamp with time zone,
    CONSTRAINT event_parts_range CHECK ((from_id < to_id))
);
CREATE TABLE unwind.event_retention (
    only_row boolean DEFAULT true NOT NULL,
    dropped_before uuid NOT NULL,
    CONSTRAINT event_retention_only_row CHECK (only_row)
);
CREATE TABLE unwind.events (
    tenant_id uuid NOT NULL,
    event_id uuid NOT NULL,
    account_id uuid NOT NULL,
    liquidation_id uuid NOT NULL,
    sequence integer NOT NULL,
    number integer NOT NULL,
    type text NOT NULL,
    object text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    "position" bigint,
    CONSTRAINT events_position CHECK (("position" > 0)),
    CONSTRAINT events_type CHECK ((type = ANY (ARRAY['ACCOUNT_LIQUIDATION.NEW'::text, 'ACCOUNT_LIQUIDATION.PROCESSING'::text, 'ACCOUNT_LIQUIDATION.FILLED'::text, 'ACCOUNT_LIQUIDATION.CANCELLED'::text])))
)
PARTITION BY RANGE (liquidation_id);
CREATE TABLE unwind.events_2026_11 (
    tenant_id uuid NOT NULL,
    event_id uuid NOT NULL,
    account_id uuid NOT NULL,
    liquidation_id uuid NOT NULL,
    sequence integer NOT NULL,
    number integer NOT NULL,
    type text NOT NULL,
    object text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    "position" bigint,
    CONSTRAINT events_position CHECK (("position" > 0)),
    CONSTRAINT events_type CHECK ((type = ANY (ARRAY['ACCOUNT_LIQUIDATION.NEW'::text, 'ACCOUNT_LIQUIDATION.PROCESSING'::text, 'ACCOUNT_LIQUIDATION.FILLED'::text, 'ACCOUNT_LIQUIDATION.CANCELLED'::text])))
)
WITH (fillfactor='100', autovacuum_freeze_min_age='0');
CREATE TABLE unwind.events_2026_12 (
    tenant_id uuid NOT NULL,
    event_id uuid NOT NULL,
    account_id uuid NOT NULL,
    liquidation_id uuid NOT NULL,
    sequence integer NOT NULL,
    number integer NOT NULL,
    type text NOT NULL,
    object text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    "position" bigint,
    CONSTRAINT events_position CHECK (("position" > 0)),
    CONSTRAINT events_type CHECK ((type = ANY (ARRAY['ACCOUNT_LIQUIDATION.NEW'::text, 'ACCOUNT_LIQUIDATION.PROCESSING'::text, 'ACCOUNT_LIQUIDATION.FILLED'::text, 'ACCOUNT_LIQUIDATION.CANCELLED'::text])))
)
WITH (fillfactor='100', autovacuum_freeze_min_age='0');
CREATE TABLE unwind.events_2027_01 (
    tenant_id uuid NOT NULL,
    event_id uuid NOT NULL,
    account_id uuid NOT NULL,
    liquidation_id uuid NOT NULL,
    sequence integer NOT NULL,
    number integer NOT NULL,
    type text NOT NULL,
    object text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    "position" bigint,
    CONSTRAINT events_position CHECK (("position" > 0)),
    CONSTRAINT events_type CHECK ((type = ANY (ARRAY['ACCOUNT_LIQUIDATION.NEW'::text, 'ACCOUNT_LIQUIDATION.PROCESSING'::text, 'ACCOUNT_LIQUIDATION.FILLED'::text, 'ACCOUNT_LIQUIDATION.CANCELLED'::text])))
)
WITH (fillfactor='100', autovacuum_freeze_min_age='0');
CREATE TABLE unwind.events_before (
    tenant_id uuid NOT NULL,
    event_id uuid NOT NULL,
    account_id uuid NOT NULL,
    liquidation_id uuid NOT NULL,
    sequence integer NOT NULL,
    number integer NOT NULL,
    type text NOT NULL,
    object text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    "position" bigint,
    CONSTRAINT events_position CHECK (("position" > 0)),
    CONSTRAINT events_type CHECK ((type = ANY (ARRAY['ACCOUNT_LIQUIDATION.NEW'::text, 'ACCOUNT_LIQUIDATION.PROCESSING'::text, 'ACCOUNT_LIQUIDATION.FILLED'::text, 'ACCOUNT_LIQUIDATION.CANCELLED'::text])))
)
WITH (fillfactor='100', autovacuum_freeze_min_age='0');
CREATE TABLE unwind.idempotency_keys (
    tenant_id uuid NOT NULL,
    idempotency_key uuid NOT NULL,
    request_hash bytea NOT NULL,
    status smallint NOT NULL,
    body text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT idempotency_keys_hash_is_sha256 CHECK ((length(request_hash) = 32)),
    CONSTRAINT idempotency_keys_only_success CHECK (((status >= 200) AND (status <= 299)))
);
CREATE TABLE unwind.migrations (
    number integer NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT migrations_number_positive CHECK ((number > 0)),
    CONSTRAINT migrations_sha256_is_hex CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text))
);
CREATE TABLE unwind.movements (
    tenant_id uuid NOT NULL,
    movement_id uuid NOT NULL,
    account_id uuid NOT NULL,
    isin text NOT NULL,
    quantity numeric NOT NULL,
    locked numeric NOT NULL,
    cash numeric NOT NULL,
    reason text NOT NULL,
    execution_id uuid,
    effective_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    reference text,
    uncovered numeric DEFAULT 0 NOT NULL,
    CONSTRAINT movements_bust_returns CHECK (((reason <> 'bust'::text) OR ((quantity >= (0)::numeric) AND (uncovered <= (0)::numeric) AND (quantity > uncovered) AND (locked = (0)::numeric) AND (cash <= (0)::numeric)))),
    CONSTRAINT movements_credit_brings_units CHECK (((reason <> 'credit'::text) OR ((quantity > (0)::numeric) AND (locked = (0)::numeric) AND (cash = (0)::numeric)))),
    CONSTRAINT movements_execution_exactly_when_executed CHECK (((reason = ANY (ARRAY['execution'::text, 'bust'::text])) = (execution_id IS NOT NULL))),
    CONSTRAINT movements_execution_sells CHECK (((reason <> 'execution'::text) OR ((quantity <= (0)::numeric) AND (uncovered >= (0)::numeric) AND (quantity < uncovered) AND (locked = (0)::numeric) AND (cash >= (0)::numeric)))),
    CONSTRAINT movements_import_moves_no_cash CHECK (((reason <> 'import'::text) OR (cash = (0)::numeric))),
    CONSTRAINT movements_lock_locks CHECK (((reason <> 'lock'::text) OR ((quantity = (0)::numeric) AND (locked > (0)::numeric) AND (cash = (0)::numeric)))),
    CONSTRAINT movements_reason CHECK ((reason = ANY (ARRAY['import'::text, 'execution'::text, 'bust'::text, 'credit'::text, 'lock'::text, 'unlock'::text]))),
    CONSTRAINT movements_reference_exactly_of_deltas CHECK (((reason = ANY (ARRAY['credit'::text, 'lock'::text, 'unlock'::text])) = (reference IS NOT NULL))),
    CONSTRAINT movements_reference_length CHECK (((length(reference) >= 1) AND (length(reference) <= 100))),
    CONSTRAINT movements_uncovered_only_of_executions CHECK (((uncovered = (0)::numeric) OR (reason = ANY (ARRAY['execution'::text, 'bust'::text])))),
    CONSTRAINT movements_unlock_unlocks CHECK (((reason <> 'unlock'::text) OR ((quantity = (0)::numeric) AND (locked < (0)::numeric) AND (cash = (0)::numeric))))
);
CREATE TABLE unwind.parked (
    tenant_id uuid NOT NULL,
    step text NOT NULL,
    subject text NOT NULL,
    reason text NOT NULL,
    tries integer NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    retry_at timestamp with time zone NOT NULL,
    parked_at timestamp with time zone,
    closed_at timestamp with time zone,
    CONSTRAINT parked_closed_only_when_parked CHECK (((closed_at IS NULL) OR (parked_at IS NOT NULL))),
    CONSTRAINT parked_reason_length CHECK (((length(reason) >= 1) AND (length(reason) <= 1000))),
    CONSTRAINT parked_step CHECK ((step = ANY (ARRAY['release'::text, 'submit'::text, 'answer'::text, 'receive'::text, 'apply'::text, 'advance'::text, 'stop'::text, 'publish'::text, 'correction'::text]))),
    CONSTRAINT parked_subject_length CHECK (((length(subject) >= 1) AND (length(subject) <= 200))),
    CONSTRAINT parked_tries CHECK ((tries >= 1))
);
CREATE TABLE unwind.signature_replays (
    tenant_id uuid NOT NULL,
    base_sha256 bytea NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT signature_replays_is_sha256 CHECK ((length(base_sha256) = 32))
);
CREATE TABLE unwind.signing_keys (
    tenant_id uuid NOT NULL,
    key_id uuid NOT NULL,
    algorithm text NOT NULL,
    public_jwk text NOT NULL,
    private_key_sealed bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    signs_from timestamp with time zone NOT NULL,
    ends_at timestamp with time zone,
    CONSTRAINT signing_keys_algorithm CHECK ((algorithm = ANY (ARRAY['ecdsa-p521'::text, 'ed25519'::text]))),
    CONSTRAINT signing_keys_end CHECK ((ends_at >= signs_from))
);
CREATE TABLE unwind.submissions (
    tenant_id uuid NOT NULL,
    client_order_id text NOT NULL,
    order_id uuid NOT NULL,
    liquidation_id uuid NOT NULL,
    venue text NOT NULL,
    quantity numeric NOT NULL,
    status text NOT NULL,
    lease_holder uuid,
    lease_epoch integer NOT NULL,
    lease_expires_at timestamp with time zone,
    sent_at timestamp with time zone NOT NULL,
    venue_order_id text,
    executed_quantity numeric DEFAULT 0 NOT NULL,
    final_quantity numeric,
    outcome text,
    reason text,
    updated_at timestamp with time zone NOT NULL,
    busted_quantity numeric DEFAULT 0 NOT NULL,
    CONSTRAINT submissions_busted CHECK ((busted_quantity >= (0)::numeric)),
    CONSTRAINT submissions_done_adds_up CHECK (((status <> 'DONE'::text) OR ((outcome IS NOT NULL) AND ((executed_quantity + busted_quantity) >= final_quantity)))),
    CONSTRAINT submissions_executed CHECK (((executed_quantity >= (0)::numeric) AND (executed_quantity <= quantity))),
    CONSTRAINT submissions_final CHECK (((outcome IS NULL) = (final_quantity IS NULL))),
    CONSTRAINT submissions_id_length CHECK (((length(client_order_id) >= 1) AND (length(client_order_id) <= 20))),
    CONSTRAINT submissions_leased_exactly_when_sending CHECK ((((status = 'SENDING'::text) = (lease_holder IS NOT NULL)) AND ((status = 'SENDING'::text) = (lease_expires_at IS NOT NULL)))),
    CONSTRAINT submissions_outcome CHECK (((outcome IS NULL) OR (outcome = ANY (ARRAY['filled'::text, 'cancelled'::text, 'refused'::text, 'postponed'::text])))),
    CONSTRAINT submissions_quantity CHECK ((quantity > (0)::numeric)),
    CONSTRAINT submissions_status CHECK ((status = ANY (ARRAY['SENDING'::text, 'WORKING'::text, 'DONE'::text])))
)
WITH (fillfactor='70');
CREATE TABLE unwind.tenants (
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    secret_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    signature_policy text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    package_size_default integer,
    CONSTRAINT tenants_name_length CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT tenants_package_size_default CHECK (((package_size_default >= 100) AND (package_size_default <= 1048576))),
    CONSTRAINT tenants_secret_hash_is_sha256 CHECK ((length(secret_hash) = 32)),
    CONSTRAINT tenants_signature_policy CHECK ((signature_policy = ANY (ARRAY['strict'::text, 'compatible'::text])))
);
CREATE TABLE unwind.users (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL
);
CREATE TABLE unwind.venue_cursors (
    venue text NOT NULL,
    "position" bigint NOT NULL
);
CREATE TABLE unwind.venue_halts (
    venue text NOT NULL,
    isin text NOT NULL
);
CREATE TABLE unwind.venue_reports (
    tenant_id uuid NOT NULL,
    venue text NOT NULL,
    report_id text NOT NULL,
    client_order_id text NOT NULL,
    type text NOT NULL,
    venue_execution_id text,
    last_quantity numeric,
    last_price numeric,
    cumulative_quantity numeric NOT NULL,
    reason text,
    transaction_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    parked_reason text,
    CONSTRAINT venue_reports_execution CHECK (((type = ANY (ARRAY['trade'::text, 'filled'::text, 'bust'::text])) = (venue_execution_id IS NOT NULL))),
    CONSTRAINT venue_reports_trade CHECK ((((type = ANY (ARRAY['trade'::text, 'filled'::text])) = (last_quantity IS NOT NULL)) AND ((last_quantity IS NULL) = (last_price IS NULL)))),
    CONSTRAINT venue_reports_type CHECK ((type = ANY (ARRAY['trade'::text, 'filled'::text, 'cancelled'::text, 'rejected'::text, 'postponed'::text, 'bust'::text])))
);
CREATE TABLE unwind.webhook_attempts (
    tenant_id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    place integer NOT NULL,
    attempt_id uuid NOT NULL,
    kind text NOT NULL,
    attempted_at timestamp with time zone NOT NULL,
    duration_ms integer NOT NULL,
    outcome text NOT NULL,
    status integer,
    answer text NOT NULL,
    attempt integer NOT NULL,
    events integer NOT NULL,
    first_event_id uuid,
    last_event_id uuid,
    CONSTRAINT webhook_attempts_answer_length CHECK ((length(answer) <= 1000)),
    CONSTRAINT webhook_attempts_kind CHECK ((kind = ANY (ARRAY['delivery'::text, 'test'::text, 'gap'::text, 'warning'::text]))),
    CONSTRAINT webhook_attempts_status CHECK (((status >= 100) AND (status <= 999)))
)
WITH (fillfactor='50');
CREATE TABLE unwind.webhook_holds (
    tenant_id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    account_id uuid NOT NULL,
    after bigint NOT NULL,
    request_id uuid NOT NULL,
    up_to bigint NOT NULL,
    status text NOT NULL,
    attempts integer NOT NULL,
    failing_since timestamp with time zone,
    next_attempt_at timestamp with time zone NOT NULL,
    last_attempt_at timestamp with time zone,
    last_outcome text,
    CONSTRAINT webhook_holds_after CHECK ((after >= 0)),
    CONSTRAINT webhook_holds_failing_exactly_after_attempts CHECK (((attempts > 0) = (failing_since IS NOT NULL))),
    CONSTRAINT webhook_holds_set_aside_after_failures CHECK (((status = 'retrying'::text) OR (attempts > 0))),
    CONSTRAINT webhook_holds_status CHECK ((status = ANY (ARRAY['retrying'::text, 'set_aside'::text])))
)
WITH (fillfactor='70');
CREATE TABLE unwind.webhooks (
    tenant_id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    title text NOT NULL,
    url text NOT NULL,
    enabled boolean NOT NULL,
    types text[] NOT NULL,
    delay_s integer,
    max_package_size integer,
    signature_version text NOT NULL,
    signature_algorithm text NOT NULL,
    "position" bigint NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    failing_since timestamp with time zone,
    next_attempt_at timestamp with time zone NOT NULL,
    lease_holder uuid,
    lease_epoch integer DEFAULT 0 NOT NULL,
    lease_expires_at timestamp with time zone,
    last_attempt_at timestamp with time zone,
    last_outcome text,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    standard_headers boolean DEFAULT false NOT NULL,
    full_at bigint,
    hold_due_at timestamp with time zone,
    last_success_at timestamp with time zone,
    taken_count bigint DEFAULT 0 NOT NULL,
    failed_count bigint DEFAULT 0 NOT NULL,
    gap_after bigint,
    gap_up_to bigint,
    gap_noticed_at timestamp with time zone,
    excluded_types text[] DEFAULT '{}'::text[] NOT NULL,
    CONSTRAINT webhooks_delay CHECK (((delay_s >= 1) AND (delay_s <= 30))),
    CONSTRAINT webhooks_excluded_types CHECK (((cardinality(excluded_types) = 0) OR (('ALL'::text = ANY (types)) AND (NOT ('ALL'::text = ANY (excluded_types)))))),
    CONSTRAINT webhooks_failing_exactly_after_attempts CHECK (((attempts > 0) = (failing_since IS NOT NULL))),
    CONSTRAINT webhooks_gap CHECK ((((gap_after IS NULL) = (gap_up_to IS NULL)) AND ((gap_after IS NULL) = (gap_noticed_at IS NULL)) AND (gap_after < gap_up_to))),
    CONSTRAINT webhooks_lease CHECK (((lease_holder IS NOT NULL) = (lease_expires_at IS NOT NULL))),
    CONSTRAINT webhooks_max_package_size CHECK (((max_package_size >= 100) AND (max_package_size <= 1048576))),
    CONSTRAINT webhooks_signature CHECK (((signature_version = ANY (ARRAY['6'::text, '15'::text, '9421'::text])) AND (signature_algorithm = ANY (ARRAY['ecdsa-p521'::text, 'ed25519'::text])) AND (NOT ((signature_version = '9421'::text) AND (signature_algorithm = 'ecdsa-p521'::text))))),
    CONSTRAINT webhooks_title_length CHECK (((length(title) >= 1) AND (length(title) <= 100))),
    CONSTRAINT webhooks_url_length CHECK (((length(url) >= 1) AND (length(url) <= 1000)))
)
WITH (fillfactor='50');
CREATE VIEW unwind_v1.accounts AS
 SELECT a.tenant_id,
    a.account_id,
    a.user_id,
    a.status,
    a.currency
   FROM unwind.accounts a;
CREATE VIEW unwind_v1.busts AS
 SELECT b.tenant_id,
    b.venue,
    b.venue_execution_id,
    b.client_order_id,
    b.transaction_at,
    b.recorded_at
   FROM unwind.busts b;
CREATE VIEW unwind_v1.event_heads AS
 SELECT h.tenant_id,
    h."position",
    h.dropped_to
   FROM unwind.event_heads h;
CREATE VIEW unwind_v1.event_retention AS
 SELECT r.dropped_before
   FROM unwind.event_retention r;
CREATE VIEW unwind_v1.events AS
 SELECT e.tenant_id,
    e.event_id,
    e.account_id,
    e.liquidation_id,
    e.sequence,
    e.number,
    e.type,
    e.object,
    e.created_at,
    e."position"
   FROM unwind.events e;
CREATE VIEW unwind_v1.executions AS
 SELECT e.tenant_id,
    e.execution_id,
    e.venue,
    e.venue_execution_id,
    e.client_order_id,
    e.order_id,
    e.liquidation_id,
    e.account_id,
    e.isin,
    e.quantity,
    e.price,
    e.proceeds,
    'EUR'::text AS currency,
    e.executed_at,
    e.recorded_at,
    e.busted_at
   FROM unwind.executions e;
CREATE VIEW unwind_v1.instruments AS
 SELECT i.tenant_id,
    i.isin,
    i.name,
    i.trading_status,
    i.fractional,
    i.updated_at,
    i.instrument_id
   FROM unwind.instruments i;
CREATE VIEW unwind_v1.liquidations AS
 SELECT l.tenant_id,
    l.liquidation_id,
    l.account_id,
    l.user_id,
    l.sequence,
    l.status,
    l.proceeds,
    l.cash_amount,
    l.rounds,
    l.open_orders,
    l.event_count,
    l.created_at,
    l.updated_at,
    l.released_at,
    l.ended_at,
    l.end_reason,
    unwind_v1.liquidation_object(l.*) AS object,
    l.corrected_at,
    l.corrected_proceeds,
    l.stop_reason,
    l.stop_note,
    l.stop_asked_at
   FROM unwind.liquidations l;
CREATE VIEW unwind_v1.movements AS
 SELECT m.tenant_id,
    m.movement_id,
    m.account_id,
    m.isin,
    m.quantity,
    m.locked,
    m.cash,
    m.reason,
    m.execution_id,
    m.effective_at,
    m.recorded_at,
    m.reference,
    m.uncovered
   FROM unwind.movements m;
CREATE VIEW unwind_v1.orders AS
 SELECT o.tenant_id,
    o.order_id,
    o.liquidation_id,
    o.account_id,
    o.isin,
    'SELL'::text AS side,
    o.round,
    o.quantity,
    o.filled_quantity,
    o.proceeds,
    o.status,
    o.cancellation_reason,
    o.submissions,
    o.submit_at,
    o.created_at,
    o.updated_at,
    o.status_at,
    o.ended_at,
    o.corrected_quantity
   FROM unwind.orders o;
CREATE VIEW unwind_v1.parked AS
 SELECT p.tenant_id,
    ((p.step || '/'::text) || p.subject) AS parked_id,
    p.step,
    p.subject,
    p.reason,
    p.tries,
    p.first_at,
    p.parked_at
   FROM unwind.parked p
  WHERE ((p.parked_at IS NOT NULL) AND (p.closed_at IS NULL))
UNION ALL
 SELECT r.tenant_id,
    concat('report/', r.venue, '/', r.report_id) AS parked_id,
    'report'::text AS step,
    concat(r.venue, '/', r.report_id) AS subject,
    concat(r.parked_reason, ' (client order id ', r.client_order_id, ')') AS reason,
    1 AS tries,
    r.received_at AS first_at,
    r.received_at AS parked_at
   FROM unwind.venue_reports r
  WHERE (r.parked_reason IS NOT NULL);
CREATE VIEW unwind_v1.parked_reports AS
 SELECT r.tenant_id,
    r.venue,
    r.report_id,
    r.client_order_id,
    r.type,
    r.venue_execution_id,
    r.last_quantity,
    r.last_price,
    r.cumulative_quantity,
    r.reason,
    r.transaction_at,
    r.received_at,
    r.parked_reason
   FROM unwind.venue_reports r
  WHERE (r.parked_reason IS NOT NULL);
CREATE VIEW unwind_v1.positions AS
 SELECT p.tenant_id,
    p.account_id,
    p.isin,
    p.quantity,
    p.locked,
    p.held,
    ((p.quantity - p.locked) - p.held) AS available
   FROM unwind.positions p;
CREATE VIEW unwind_v1.submissions AS
 SELECT s.tenant_id,
    s.client_order_id,
    s.order_id,
    s.liquidation_id,
    s.venue,
    s.quantity,
    s.status,
    s.sent_at,
    s.venue_order_id,
    s.executed_quantity,
    s.final_quantity,
    s.outcome,
    s.reason,
    s.busted_quantity
   FROM unwind.submissions s;
CREATE VIEW unwind_v1.tenants AS
 SELECT t.tenant_id,
    t.name,
    t.created_at
   FROM unwind.tenants t;
CREATE VIEW unwind_v1.venue_cancels AS
 SELECT c.firm AS tenant_id,
    'XSIM'::text AS venue,
    c.entry,
    c.client_order_id,
    c.outcome,
    c.received_at
   FROM simulated_venue.cancels c;
CREATE VIEW unwind_v1.venue_cursors AS
 SELECT c.venue,
    c."position"
   FROM unwind.venue_cursors c;
CREATE VIEW unwind_v1.venue_journal AS
 SELECT j.firm AS tenant_id,
    'XSIM'::text AS venue,
    j.entry,
    j.client_order_id,
    j.isin,
    j.side,
    j.quantity,
    j.outcome,
    j.venue_order_id,
    j.price,
    j.reason,
    j.received_at,
    j.temporary
   FROM simulated_venue.journal j;
CREATE VIEW unwind_v1.venue_reports AS
 SELECT r.firm AS tenant_id,
    'XSIM'::text AS venue,
    r.number,
    r.client_order_id,
    r.venue_order_id,
    r.type,
    r.venue_execution_id,
    r.last_quantity,
    r.last_price,
    r.cumulative_quantity,
    r.reason,
    r.transaction_at,
    r.copy
   FROM simulated_venue.reports r
  WHERE (r.number IS NOT NULL);
CREATE VIEW unwind_v1.waiting_reports AS
 SELECT r.tenant_id,
    r.venue,
    r.report_id,
    r.client_order_id,
    r.type,
    r.venue_execution_id,
    r.last_quantity,
    r.last_price,
    r.cumulative_quantity,
    r.reason,
    r.transaction_at,
    r.received_at
   FROM unwind.venue_reports r
  WHERE (r.parked_reason IS NULL);
ALTER TABLE ONLY unwind.events ATTACH PARTITION unwind.events_2026_11 FOR VALUES FROM ('01a19467-e800-0000-0000-000000000000') TO ('01a22ee6-b000-0000-0000-000000000000');
ALTER TABLE ONLY unwind.events ATTACH PARTITION unwind.events_2026_12 FOR VALUES FROM ('01a22ee6-b000-0000-0000-000000000000') TO ('01a2ce8b-d400-0000-0000-000000000000');
ALTER TABLE ONLY unwind.events ATTACH PARTITION unwind.events_2027_01 FOR VALUES FROM ('01a2ce8b-d400-0000-0000-000000000000') TO ('01a36e30-f800-0000-0000-000000000000');
ALTER TABLE ONLY unwind.events ATTACH PARTITION unwind.events_before FOR VALUES FROM (MINVALUE) TO ('01a19467-e800-0000-0000-000000000000');
INSERT INTO simulated_venue.market VALUES (true, false, '');
INSERT INTO simulated_venue.session VALUES (true, 0);
INSERT INTO unwind.event_parts VALUES ('events_before', '00000000-0000-0000-0000-000000000000', '01a19467-e800-0000-0000-000000000000', NULL, NULL);
INSERT INTO unwind.event_parts VALUES ('events_2026_11', '01a19467-e800-0000-0000-000000000000', '01a22ee6-b000-0000-0000-000000000000', NULL, NULL);
INSERT INTO unwind.event_parts VALUES ('events_2026_12', '01a22ee6-b000-0000-0000-000000000000', '01a2ce8b-d400-0000-0000-000000000000', NULL, NULL);
INSERT INTO unwind.event_parts VALUES ('events_2027_01', '01a2ce8b-d400-0000-0000-000000000000', '01a36e30-f800-0000-0000-000000000000', NULL, NULL);
INSERT INTO unwind.event_retention VALUES (true, '00000000-0000-0000-0000-000000000000');
INSERT INTO unwind.market_clock VALUES (true, 0);
INSERT INTO unwind.migrations VALUES (1, 'service', '4a4097b288e799bf430989b2567458c6789137d1bf13e00f036e931efa2000f3', '2026-11-29 00:06:56.788256+00');
INSERT INTO unwind.migrations VALUES (2, 'simulated-venue', '4951d4dfefc9a4ec646aae1a5eeaa54f5bd3d5cd88badd1f3a730ab49956a274', '2026-11-29 00:06:56.804732+00');
INSERT INTO unwind.migrations VALUES (3, 'published-views', '08d8e9fbe5d1a8f5ebc459de27de70fad3e69b7149cb4d0d72fa9358dd8cc903', '2026-11-29 00:06:56.815613+00');
INSERT INTO unwind.migrations VALUES (4, 'cancels-and-busts', '4cade4105ce167f06f29dbc6021f451d416585bf328c45c2f94a062ee08d498a', '2026-11-29 00:06:56.827173+00');
INSERT INTO unwind.migrations VALUES (5, 'forbidden-transitions', 'b8256cce84ed3e01065fc6fbeb8480a9182b28240e09bd497813dcbcfcdd0e39', '2026-11-29 00:06:56.832857+00');
INSERT INTO unwind.migrations VALUES (6, 'position-deltas', '5c4aad06429753fa247b785e1dd93fd6c30caadf04481111d51894a49725a5ae', '2026-11-29 00:06:56.839192+00');
INSERT INTO unwind.migrations VALUES (7, 'parked', 'c07a4b3e9e947196d7464b42b7d9ccfd8fe3c99292757781ef726242b686ed93', '2026-11-29 00:06:56.845835+00');
INSERT INTO unwind.migrations VALUES (8, 'reading', '574b1d14b1d24821d530b4368610f7ed730adfc53cd8b04560dcc1cbfda54312', '2026-11-29 00:06:56.857034+00');
INSERT INTO unwind.migrations VALUES (9, 'refused-orders', 'bb4c9462967d9a40d8ceb89d8595579458a8e11bebc0b98b2ba1bb1472ce854e', '2026-11-29 00:06:56.860431+00');
INSERT INTO unwind.migrations VALUES (10, 'functions-in-plans', '3e0db46470010720f30f2516ee74259ae289e25e1cfc0a74a37da852c08ca13f', '2026-11-29 00:06:56.863557+00');
INSERT INTO unwind.migrations VALUES (11, 'markets', 'bfba088c499f149445cf74c25310e37b2ed3f74f67e90f8c9011e1f6030bed9f', '2026-11-29 00:06:56.884554+00');
INSERT INTO unwind.migrations VALUES (12, 'event-log-by-month', 'c2ec1da51c3d8acb28fc36982772a2fa91f4f178cb6c8fb55913591cdd6abdf2', '2026-11-29 00:06:56.921447+00');
INSERT INTO unwind.migrations VALUES (13, 'delivery', '584a6f8728800e844550b992d5c401834d2a24e7096027f72da5a6192c300121', '2026-11-29 00:06:56.940866+00');
INSERT INTO unwind.migrations VALUES (14, 'corrections', 'd33ef1af5250fe3c407c5d852f5a879593787ef3c0bf386b4fe2191e746bb88c', '2026-11-29 00:06:56.954805+00');
INSERT INTO unwind.migrations VALUES (15, 'reading-voids', '1a6b70f7cbf395abca960b0aae33b9c021c77af1983ccded709226b4bb8501d3', '2026-11-29 00:06:56.96397+00');
INSERT INTO unwind.migrations VALUES (16, 'stops', '58337083e27014bac056c5f3a8a811883d66a585455aea9506d3203fa63c4b69', '2026-11-29 00:06:56.970462+00');
INSERT INTO unwind.migrations VALUES (17, 'orders-in-flight', '7714a90b5df0b860e413cbde1204024c13329cd58ab4012acbb70cca904c3e8e', '2026-11-29 00:06:56.973429+00');
INSERT INTO unwind.migrations VALUES (18, 'log-by-time', '68d9f5470c9aee538b0f720f5cbab59a479ae4e775fb80fdbd724f348ffe0a9f', '2026-11-29 00:06:56.981912+00');
INSERT INTO unwind.migrations VALUES (19, 'signing-keys-in-turn', '90cc3043c56fef86b7d5c0d43a867c00a0769e5a6aa9ef0ee73b00b0306ac674', '2026-11-29 00:06:56.986243+00');
INSERT INTO unwind.migrations VALUES (20, 'reading-ends', '94adf3fc0b149f09aa25dbb39fcea4bf860e1cde684a7eb714aed3fc49ba43a2', '2026-11-29 00:06:56.99179+00');
INSERT INTO unwind.migrations VALUES (21, 'parts-come-and-go', '8e3e1f1ea9e9ad306c708ce96e84dda89b00530f7e05d715f4fda4f0eca67eaa', '2026-11-29 00:06:57.000027+00');
INSERT INTO unwind.migrations VALUES (22, 'excluded-types', '8a752218f05d4211f9cc1432980233a51ea08e837f45c17e47f0a8cbc1994976', '2026-11-29 00:06:57.003049+00');
INSERT INTO unwind.migrations VALUES (23, 'warnings', '6b03980af3657e7c3a2b20633965de07390331e6a514176999ce679966040830', '2026-11-29 00:06:57.004657+00');
INSERT INTO unwind.migrations VALUES (24, 'packages-by-default', '93ecc639d73f3e1a7ed2d734e72dcc702269d2a445541e097e1c822ca7d06b8e', '2026-11-29 00:06:57.006075+00');
INSERT INTO unwind.migrations VALUES (25, 'full-parts', '0f63f7690877904cacc456b216be7de1755c7bf112af87e2ee64b563b4d3106a', '2026-11-29 00:06:57.009386+00');
SELECT pg_catalog.setval('simulated_venue.cancels_entry_seq', 1, false);
SELECT pg_catalog.setval('simulated_venue.journal_entry_seq', 1, false);
ALTER TABLE ONLY simulated_venue.behaviours
    ADD CONSTRAINT behaviours_pkey PRIMARY KEY (isin);
ALTER TABLE ONLY simulated_venue.cancels
    ADD CONSTRAINT cancels_pkey PRIMARY KEY (firm, entry);
ALTER TABLE ONLY simulated_venue.journal
    ADD CONSTRAINT journal_pkey PRIMARY KEY (firm, entry);
ALTER TABLE ONLY simulated_venue.market
    ADD CONSTRAINT market_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY simulated_venue.reports
    ADD CONSTRAINT reports_pkey PRIMARY KEY (firm, report);
ALTER TABLE ONLY simulated_venue.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY unwind.access_tokens
    ADD CONSTRAINT access_tokens_pkey PRIMARY KEY (tenant_id, token_hash);
ALTER TABLE ONLY unwind.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (tenant_id, account_id);
ALTER TABLE ONLY unwind.busts
    ADD CONSTRAINT busts_pkey PRIMARY KEY (tenant_id, venue, venue_execution_id);
ALTER TABLE ONLY unwind.client_keys
    ADD CONSTRAINT client_keys_pkey PRIMARY KEY (tenant_id, key_id);
ALTER TABLE ONLY unwind.event_heads
    ADD CONSTRAINT event_heads_pkey PRIMARY KEY (tenant_id);
ALTER TABLE ONLY unwind.event_parts
    ADD CONSTRAINT event_parts_pkey PRIMARY KEY (name);
ALTER TABLE ONLY unwind.event_retention
    ADD CONSTRAINT event_retention_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY unwind.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (tenant_id, liquidation_id, number);
ALTER TABLE ONLY unwind.events_2026_11
    ADD CONSTRAINT events_2026_11_pkey PRIMARY KEY (tenant_id, liquidation_id, number);
ALTER TABLE ONLY unwind.events_2026_12
    ADD CONSTRAINT events_2026_12_pkey PRIMARY KEY (tenant_id, liquidation_id, number);
ALTER TABLE ONLY unwind.events_2027_01
    ADD CONSTRAINT events_2027_01_pkey PRIMARY KEY (tenant_id, liquidation_id, number);
ALTER TABLE ONLY unwind.events_before
    ADD CONSTRAINT events_before_pkey PRIMARY KEY (tenant_id, liquidation_id, number);
ALTER TABLE ONLY unwind.executions
    ADD CONSTRAINT executions_pkey PRIMARY KEY (tenant_id, execution_id);
ALTER TABLE ONLY unwind.executions
    ADD CONSTRAINT executions_venue_once UNIQUE (tenant_id, venue, venue_execution_id);
ALTER TABLE ONLY unwind.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, idempotency_key);
ALTER TABLE ONLY unwind.instruments
    ADD CONSTRAINT instruments_pkey PRIMARY KEY (tenant_id, isin);
ALTER TABLE ONLY unwind.liquidations
    ADD CONSTRAINT liquidations_pkey PRIMARY KEY (tenant_id, liquidation_id);
ALTER TABLE ONLY unwind.liquidations
    ADD CONSTRAINT liquidations_sequence_once UNIQUE (tenant_id, account_id, sequence);
ALTER TABLE ONLY unwind.market_clock
    ADD CONSTRAINT market_clock_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY unwind.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (number);
ALTER TABLE ONLY unwind.movements
    ADD CONSTRAINT movements_pkey PRIMARY KEY (tenant_id, movement_id);
ALTER TABLE ONLY unwind.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (tenant_id, order_id);
ALTER TABLE ONLY unwind.parked
    ADD CONSTRAINT parked_pkey PRIMARY KEY (tenant_id, step, subject);
ALTER TABLE ONLY unwind.positions
    ADD CONSTRAINT positions_pkey PRIMARY KEY (tenant_id, account_id, isin);
ALTER TABLE ONLY unwind.prices
    ADD CONSTRAINT prices_pkey PRIMARY KEY (tenant_id, isin);
ALTER TABLE ONLY unwind.signature_replays
    ADD CONSTRAINT signature_replays_pkey PRIMARY KEY (tenant_id, base_sha256);
ALTER TABLE ONLY unwind.signing_keys
    ADD CONSTRAINT signing_keys_pkey PRIMARY KEY (tenant_id, key_id);
ALTER TABLE ONLY unwind.submissions
    ADD CONSTRAINT submissions_pkey PRIMARY KEY (tenant_id, client_order_id);
ALTER TABLE ONLY unwind.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (tenant_id);
ALTER TABLE ONLY unwind.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (tenant_id, user_id);
ALTER TABLE ONLY unwind.venue_cursors
    ADD CONSTRAINT venue_cursors_pkey PRIMARY KEY (venue);
ALTER TABLE ONLY unwind.venue_halts
    ADD CONSTRAINT venue_halts_pkey PRIMARY KEY (venue, isin);
ALTER TABLE ONLY unwind.venue_holidays
    ADD CONSTRAINT venue_holidays_pkey PRIMARY KEY (venue, day);
ALTER TABLE ONLY unwind.venue_hours
    ADD CONSTRAINT venue_hours_pkey PRIMARY KEY (venue, weekday, opens);
ALTER TABLE ONLY unwind.venue_reports
    ADD CONSTRAINT venue_reports_pkey PRIMARY KEY (tenant_id, venue, report_id);
ALTER TABLE ONLY unwind.venues
    ADD CONSTRAINT venues_pkey PRIMARY KEY (venue);
ALTER TABLE ONLY unwind.webhook_attempts
    ADD CONSTRAINT webhook_attempts_pkey PRIMARY KEY (tenant_id, webhook_id, place);
ALTER TABLE ONLY unwind.webhook_holds
    ADD CONSTRAINT webhook_holds_pkey PRIMARY KEY (tenant_id, webhook_id, account_id);
ALTER TABLE ONLY unwind.webhooks
    ADD CONSTRAINT webhooks_pkey PRIMARY KEY (tenant_id, webhook_id);
CREATE INDEX cancels_of_order ON simulated_venue.cancels USING btree (firm, client_order_id);
CREATE UNIQUE INDEX journal_client_order_once ON simulated_venue.journal USING btree (firm, client_order_id) WHERE (outcome <> 'repeated'::text);
CREATE UNIQUE INDEX reports_bust_once ON simulated_venue.reports USING btree (firm, venue_execution_id, copy) WHERE (type = 'bust'::text);
CREATE INDEX reports_due ON simulated_venue.reports USING btree (due_at, report) WHERE (number IS NULL);
CREATE UNIQUE INDEX reports_execution_once ON simulated_venue.reports USING btree (firm, venue_execution_id, copy) WHERE (type = ANY (ARRAY['trade'::text, 'filled'::text]));
CREATE UNIQUE INDEX reports_number_once ON simulated_venue.reports USING btree (number) WHERE (number IS NOT NULL);
CREATE INDEX reports_of_order ON simulated_venue.reports USING btree (firm, client_order_id);
CREATE INDEX access_tokens_expiry ON unwind.access_tokens USING btree (expires_at);
CREATE INDEX accounts_by_creation ON unwind.accounts USING btree (tenant_id, created_at, account_id);
CREATE INDEX events_of_account ON ONLY unwind.events USING btree (tenant_id, account_id, "position") WHERE ("position" IS NOT NULL);
CREATE INDEX events_2026_11_tenant_id_account_id_position_idx ON unwind.events_2026_11 USING btree (tenant_id, account_id, "position") WHERE ("position" IS NOT NULL);
CREATE INDEX events_to_publish ON ONLY unwind.events USING btree (tenant_id, created_at) WHERE ("position" IS NULL);
CREATE INDEX events_2026_11_tenant_id_created_at_idx ON unwind.events_2026_11 USING btree (tenant_id, created_at) WHERE ("position" IS NULL);
CREATE INDEX events_by_id ON ONLY unwind.events USING btree (tenant_id, event_id);
CREATE INDEX events_2026_11_tenant_id_event_id_idx ON unwind.events_2026_11 USING btree (tenant_id, event_id);
CREATE INDEX events_by_position ON ONLY unwind.events USING btree (tenant_id, "position") WHERE ("position" IS NOT NULL);
CREATE INDEX events_2026_11_tenant_id_position_idx ON unwind.events_2026_11 USING btree (tenant_id, "position") WHERE ("position" IS NOT NULL);
CREATE INDEX events_2026_12_tenant_id_account_id_position_idx ON unwind.events_2026_12 USING btree (tenant_id, account_id, "position") WHERE ("position" IS NOT NULL);
CREATE INDEX events_2026_12_tenant_id_created_at_idx ON unwind.events_2026_12 USING btree (tenant_id, created_at) WHERE ("position" IS NULL);
CREATE INDEX events_2026_12_tenant_id_event_id_idx ON unwind.events_2026_12 USING btree (tenant_id, event_id);
CREATE INDEX events_2026_12_tenant_id_position_idx ON unwind.events_2026_12 USING btree (tenant_id, "position") WHERE ("position" IS NOT NULL);
CREATE INDEX events_2027_01_tenant_id_account_id_position_idx ON unwind.events_2027_01 USING btree (tenant_id, account_id, "position") WHERE ("position" IS NOT NULL);
CREATE INDEX events_2027_01_tenant_id_created_at_idx ON unwind.events_2027_01 USING btree (tenant_id, created_at) WHERE ("position" IS NULL);
CREATE INDEX events_2027_01_tenant_id_event_id_idx ON unwind.events_2027_01 USING btree (tenant_id, event_id);
CREATE INDEX events_2027_01_tenant_id_position_idx ON unwind.events_2027_01 USING btree (tenant_id, "position") WHERE ("position" IS NOT NULL);
CREATE INDEX events_before_tenant_id_account_id_position_idx ON unwind.events_before USING btree (tenant_id, account_id, "position") WHERE ("position" IS NOT NULL);
CREATE INDEX events_before_tenant_id_created_at_idx ON unwind.events_before USING btree (tenant_id, created_at) WHERE ("position" IS NULL);
CREATE INDEX events_before_tenant_id_event_id_idx ON unwind.events_before USING btree (tenant_id, event_id);
CREATE INDEX events_before_tenant_id_position_idx ON unwind.events_before USING btree (tenant_id, "position") WHERE ("position" IS NOT NULL);
CREATE INDEX executions_of_order ON unwind.executions USING btree (tenant_id, order_id);
CREATE INDEX idempotency_keys_expiry ON unwind.idempotency_keys USING btree (expires_at);
CREATE INDEX instruments_by_change ON unwind.instruments USING btree (tenant_id, updated_at, isin);
CREATE INDEX instruments_by_creation ON unwind.instruments USING btree (tenant_id, created_at, isin);
CREATE UNIQUE INDEX instruments_by_id ON unwind.instruments USING btree (tenant_id, instrument_id);
CREATE INDEX liquidations_of_account ON unwind.liquidations USING btree (tenant_id, account_id, liquidation_id);
CREATE UNIQUE INDEX liquidations_one_running ON unwind.liquidations USING btree (tenant_id, account_id) WHERE (status = ANY (ARRAY['NEW'::text, 'PROCESSING'::text]));
CREATE INDEX liquidations_to_advance ON unwind.liquidations USING btree (tenant_id, advance_at) WHERE (advance_at IS NOT NULL);
CREATE INDEX liquidations_to_release ON unwind.liquidations USING btree (tenant_id, release_at) WHERE (status = 'NEW'::text);
CREATE INDEX liquidations_to_sift ON unwind.liquidations USING btree (tenant_id, release_at) WHERE ((status = 'NEW'::text) AND (NOT waits_for_venue));
CREATE INDEX liquidations_to_stop ON unwind.liquidations USING btree (tenant_id, stop_at) WHERE (stop_at IS NOT NULL);
CREATE UNIQUE INDEX movements_execution_once ON unwind.movements USING btree (tenant_id, execution_id, reason) WHERE (execution_id IS NOT NULL);
CREATE INDEX movements_of_account ON unwind.movements USING btree (tenant_id, account_id, effective_at);
CREATE UNIQUE INDEX movements_reference_once ON unwind.movements USING btree (tenant_id, reference) WHERE (reference IS NOT NULL);
CREATE INDEX orders_of_account ON unwind.orders USING btree (tenant_id, account_id, order_id);
CREATE INDEX orders_of_liquidation ON unwind.orders USING btree (tenant_id, liquidation_id, order_id);
CREATE UNIQUE INDEX orders_one_open_per_instrument ON unwind.orders USING btree (tenant_id, liquidation_id, isin) WHERE (status = ANY (ARRAY['NEW'::text, 'PROCESSING'::text]));
CREATE INDEX orders_refused ON unwind.orders USING btree (tenant_id, liquidation_id, isin) WHERE (status = 'CANCELLED'::text);
CREATE INDEX orders_to_submit ON unwind.orders USING btree (tenant_id, submit_at) WHERE (submit_at IS NOT NULL);
CREATE INDEX parked_waiting ON unwind.parked USING btree (parked_at) WHERE ((parked_at IS NOT NULL) AND (closed_at IS NULL));
CREATE INDEX signature_replays_expiry ON unwind.signature_replays USING btree (expires_at);
CREATE UNIQUE INDEX signing_keys_one_last ON unwind.signing_keys USING btree (tenant_id, algorithm) WHERE (ends_at IS NULL);
CREATE INDEX submissions_in_flight ON unwind.submissions USING btree (venue) WHERE (status <> 'DONE'::text);
CREATE INDEX submissions_leased ON unwind.submissions USING btree (tenant_id, lease_expires_at) WHERE (status = 'SENDING'::text);
CREATE INDEX submissions_of_order ON unwind.submissions USING btree (tenant_id, order_id);
CREATE INDEX venue_reports_parked ON unwind.venue_reports USING btree (tenant_id) WHERE (parked_reason IS NOT NULL);
CREATE INDEX venue_reports_to_apply ON unwind.venue_reports USING btree (tenant_id, received_at, report_id) WHERE (parked_reason IS NULL);
CREATE INDEX webhooks_enabled ON unwind.webhooks USING btree (tenant_id) WHERE enabled;
ALTER INDEX unwind.events_pkey ATTACH PARTITION unwind.events_2026_11_pkey;
ALTER INDEX unwind.events_of_account ATTACH PARTITION unwind.events_2026_11_tenant_id_account_id_position_idx;
ALTER INDEX unwind.events_to_publish ATTACH PARTITION unwind.events_2026_11_tenant_id_created_at_idx;
ALTER INDEX unwind.events_by_id ATTACH PARTITION unwind.events_2026_11_tenant_id_event_id_idx;
ALTER INDEX unwind.events_by_position ATTACH PARTITION unwind.events_2026_11_tenant_id_position_idx;
ALTER INDEX unwind.events_pkey ATTACH PARTITION unwind.events_2026_12_pkey;
ALTER INDEX unwind.events_of_account ATTACH PARTITION unwind.events_2026_12_tenant_id_account_id_position_idx;
ALTER INDEX unwind.events_to_publish ATTACH PARTITION unwind.events_2026_12_tenant_id_created_at_idx;
ALTER INDEX unwind.events_by_id ATTACH PARTITION unwind.events_2026_12_tenant_id_event_id_idx;
ALTER INDEX unwind.events_by_position ATTACH PARTITION unwind.events_2026_12_tenant_id_position_idx;
ALTER INDEX unwind.events_pkey ATTACH PARTITION unwind.events_2027_01_pkey;
ALTER INDEX unwind.events_of_account ATTACH PARTITION unwind.events_2027_01_tenant_id_account_id_position_idx;
ALTER INDEX unwind.events_to_publish ATTACH PARTITION unwind.events_2027_01_tenant_id_created_at_idx;
ALTER INDEX unwind.events_by_id ATTACH PARTITION unwind.events_2027_01_tenant_id_event_id_idx;
ALTER INDEX unwind.events_by_position ATTACH PARTITION unwind.events_2027_01_tenant_id_position_idx;
ALTER INDEX unwind.events_pkey ATTACH PARTITION unwind.events_before_pkey;
ALTER INDEX unwind.events_of_account ATTACH PARTITION unwind.events_before_tenant_id_account_id_position_idx;
ALTER INDEX unwind.events_to_publish ATTACH PARTITION unwind.events_before_tenant_id_created_at_idx;
ALTER INDEX unwind.events_by_id ATTACH PARTITION unwind.events_before_tenant_id_event_id_idx;
ALTER INDEX unwind.events_by_position ATTACH PARTITION unwind.events_before_tenant_id_position_idx;
CREATE TRIGGER liquidations_transitions AFTER UPDATE OF status ON unwind.liquidations FOR EACH ROW WHEN (((old.status <> new.status) AND ((((((old.status <> 'NEW'::text) OR (new.status <> 'PROCESSING'::text)) AND ((old.status <> 'NEW'::text) OR (new.status <> 'FILLED'::text))) AND ((old.status <> 'NEW'::text) OR (new.status <> 'CANCELLED'::text))) AND ((old.status <> 'PROCESSING'::text) OR (new.status <> 'FILLED'::text))) AND ((old.status <> 'PROCESSING'::text) OR (new.status <> 'CANCELLED'::text))))) EXECUTE FUNCTION unwind.refuse_transition();
CREATE TRIGGER orders_transitions AFTER UPDATE OF status ON unwind.orders FOR EACH ROW WHEN (((old.status <> new.status) AND (((((old.status <> 'NEW'::text) OR (new.status <> 'PROCESSING'::text)) AND ((old.status <> 'NEW'::text) OR (new.status <> 'CANCELLED'::text))) AND ((old.status <> 'PROCESSING'::text) OR (new.status <> 'FILLED'::text))) AND ((old.status <> 'PROCESSING'::text) OR (new.status <> 'CANCELLED'::text))))) EXECUTE FUNCTION unwind.refuse_transition();
CREATE TRIGGER submissions_transitions AFTER UPDATE OF status ON unwind.submissions FOR EACH ROW WHEN (((old.status <> new.status) AND ((((old.status <> 'SENDING'::text) OR (new.status <> 'WORKING'::text)) AND ((old.status <> 'SENDING'::text) OR (new.status <> 'DONE'::text))) AND ((old.status <> 'WORKING'::text) OR (new.status <> 'DONE'::text))))) EXECUTE FUNCTION unwind.refuse_transition();
ALTER TABLE ONLY unwind.access_tokens
    ADD CONSTRAINT access_tokens_tenant FOREIGN KEY (tenant_id) REFERENCES unwind.tenants(tenant_id);
ALTER TABLE ONLY unwind.accounts
    ADD CONSTRAINT accounts_user FOREIGN KEY (tenant_id, user_id) REFERENCES unwind.users(tenant_id, user_id);
ALTER TABLE ONLY unwind.client_keys
    ADD CONSTRAINT client_keys_tenant FOREIGN KEY (tenant_id) REFERENCES unwind.tenants(tenant_id);
ALTER TABLE ONLY unwind.event_heads
    ADD CONSTRAINT event_heads_tenant FOREIGN KEY (tenant_id) REFERENCES unwind.tenants(tenant_id);
ALTER TABLE ONLY unwind.executions
    ADD CONSTRAINT executions_order FOREIGN KEY (tenant_id, order_id) REFERENCES unwind.orders(tenant_id, order_id);
ALTER TABLE ONLY unwind.instruments
    ADD CONSTRAINT instruments_tenant FOREIGN KEY (tenant_id) REFERENCES unwind.tenants(tenant_id);
ALTER TABLE ONLY unwind.liquidations
    ADD CONSTRAINT liquidations_account FOREIGN KEY (tenant_id, account_id) REFERENCES unwind.accounts(tenant_id, account_id);
ALTER TABLE ONLY unwind.movements
    ADD CONSTRAINT movements_account FOREIGN KEY (tenant_id, account_id) REFERENCES unwind.accounts(tenant_id, account_id);
ALTER TABLE ONLY unwind.orders
    ADD CONSTRAINT orders_liquidation FOREIGN KEY (tenant_id, liquidation_id) REFERENCES unwind.liquidations(tenant_id, liquidation_id);
ALTER TABLE ONLY unwind.positions
    ADD CONSTRAINT positions_account FOREIGN KEY (tenant_id, account_id) REFERENCES unwind.accounts(tenant_id, account_id);
ALTER TABLE ONLY unwind.positions
    ADD CONSTRAINT positions_instrument FOREIGN KEY (tenant_id, isin) REFERENCES unwind.instruments(tenant_id, isin);
ALTER TABLE ONLY unwind.prices
    ADD CONSTRAINT prices_instrument FOREIGN KEY (tenant_id, isin) REFERENCES unwind.instruments(tenant_id, isin);
ALTER TABLE ONLY unwind.signing_keys
    ADD CONSTRAINT signing_keys_tenant FOREIGN KEY (tenant_id) REFERENCES unwind.tenants(tenant_id);
ALTER TABLE ONLY unwind.submissions
    ADD CONSTRAINT submissions_order FOREIGN KEY (tenant_id, order_id) REFERENCES unwind.orders(tenant_id, order_id);
ALTER TABLE ONLY unwind.users
    ADD CONSTRAINT users_tenant FOREIGN KEY (tenant_id) REFERENCES unwind.tenants(tenant_id);
ALTER TABLE ONLY unwind.venue_holidays
    ADD CONSTRAINT venue_holidays_venue FOREIGN KEY (venue) REFERENCES unwind.venues(venue) ON DELETE CASCADE;
ALTER TABLE ONLY unwind.venue_hours
    ADD CONSTRAINT venue_hours_venue FOREIGN KEY (venue) REFERENCES unwind.venues(venue) ON DELETE CASCADE;
ALTER TABLE ONLY unwind.webhook_attempts
    ADD CONSTRAINT webhook_attempts_webhook FOREIGN KEY (tenant_id, webhook_id) REFERENCES unwind.webhooks(tenant_id, webhook_id) ON DELETE CASCADE;
ALTER TABLE ONLY unwind.webhook_holds
    ADD CONSTRAINT webhook_holds_webhook FOREIGN KEY (tenant_id, webhook_id) REFERENCES unwind.webhooks(tenant_id, webhook_id) ON DELETE CASCADE;
ALTER TABLE ONLY unwind.webhooks
    ADD CONSTRAINT webhooks_tenant FOREIGN KEY (tenant_id) REFERENCES unwind.tenants(tenant_id);
