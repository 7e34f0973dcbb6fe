-- Adds the object `kubernetes` that Fluent Bit's kubernetes filter would add, from the name of the log file alone:
-- docker-compose.yml has no API server to ask. <pod>_<namespace>_<container>-<container id>.log, and the pod's name
-- ends in -<pod-template hash>-<suffix>.

function add_kubernetes(tag, timestamp, record)
    local pod, namespace, container, id = string.match(tag, "containers%.([^_]+)_([^_]+)_(.+)%-([^-]+)%.log$")
    if pod == nil then
        return 0, timestamp, record
    end
    local workload, hash = string.match(pod, "^(.+)%-([^-]+)%-[^-]+$")
    record["kubernetes"] = {
        pod_name = pod,
        namespace_name = namespace,
        container_name = container,
        docker_id = id,
        host = "compose",
        labels = { app = workload, ["rollouts-pod-template-hash"] = hash },
    }
    return 2, timestamp, record -- 2: the record is changed, the time is not
end
