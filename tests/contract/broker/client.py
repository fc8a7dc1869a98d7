"""aiokafka's names as far as the checks use them. The library is untyped, hence ``Any``, in this one place."""

from typing import Any

import aiokafka
import aiokafka.admin
import aiokafka.admin.config_resource
import aiokafka.protocol.admin
import aiokafka.protocol.commit
import aiokafka.protocol.produce
import aiokafka.protocol.transaction

Consumer: Any = aiokafka.AIOKafkaConsumer
Producer: Any = aiokafka.AIOKafkaProducer
Admin: Any = aiokafka.admin.AIOKafkaAdminClient
NewTopic: Any = aiokafka.admin.NewTopic
NewPartitions: Any = aiokafka.admin.NewPartitions
RecordsToDelete: Any = aiokafka.admin.RecordsToDelete
ConfigResource: Any = aiokafka.admin.config_resource.ConfigResource
ConfigResourceType: Any = aiokafka.admin.config_resource.ConfigResourceType
DeleteGroupsRequest: Any = aiokafka.protocol.admin.DeleteGroupsRequest
InitProducerIdRequest: Any = aiokafka.protocol.transaction.InitProducerIdRequest
OffsetCommitRequest: Any = aiokafka.protocol.commit.OffsetCommitRequest
ProduceRequest: Any = aiokafka.protocol.produce.ProduceRequest
