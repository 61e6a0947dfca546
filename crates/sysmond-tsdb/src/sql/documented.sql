-- Total hosts
SELECT COUNT(*) FROM hosts;

-- Online hosts (last 5 minutes)
SELECT COUNT(*) 
FROM hosts 
WHERE last_seen > (current_timestamp - 300);

-- Average CPU across all online hosts
SELECT AVG(value) FROM (
    SELECT m.value 
    FROM metrics m
    INNER JOIN hosts h ON m.host = h.hostname
    INNER JOIN (
        SELECT host, MAX(timestamp) as max_ts
        FROM metrics
        WHERE metric_type = 'cpu.total_usage'
        GROUP BY host
    ) latest ON m.host = latest.host 
            AND m.timestamp = latest.max_ts
    WHERE h.last_seen > (current_timestamp - 300)
      AND m.metric_type = 'cpu.total_usage'
);

-- Total memory used across all online hosts
SELECT SUM(value) FROM (
    SELECT m.value 
    FROM metrics m
    INNER JOIN hosts h ON m.host = h.hostname
    INNER JOIN (
        SELECT host, MAX(timestamp) as max_ts
        FROM metrics
        WHERE metric_type = 'memory.used_bytes'
        GROUP BY host
    ) latest ON m.host = latest.host 
            AND m.timestamp = latest.max_ts
    WHERE h.last_seen > (current_timestamp - 300)
      AND m.metric_type = 'memory.used_bytes'
);
